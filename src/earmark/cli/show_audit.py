"""An audit on the terminal."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from earmark.cli.show import OTHER_COLOUR, colours
from earmark.library.audit import Disagreement, GenreAudit
from earmark.library.duplicates import Copies

WORDS = 12  # unknown words that are named; more are counted


def genres(found: GenreAudit, top: int) -> RenderableType:
    """The disagreements, the most doubtful tag first, and what the others say."""
    number = len(found.disagreements)
    heading = f"{number} genre {'tag disagrees' if number == 1 else 'tags disagree'} with what was heard"
    parts: list[RenderableType] = [Text(heading, "bold")]
    if number:
        parts.append(
            Text("the number is the model's doubt of the tag; the model errs, too: listen before you change one", "dim")
        )
    parts += [_disagreement(each) for each in found.disagreements[:top]]
    if number > top:
        parts.append(Text(f"and {number - top} more; --top shows them", "dim"))
    parts += [Text(line, "dim") for line in _others(found)]
    return Group(*parts, "")


def _disagreement(each: Disagreement) -> RenderableType:
    """Two lines: how much the tag is doubted, what the tag says, what was heard; and where the file is."""
    tag = ", ".join(each.track.tags.genres)
    line = Text.assemble((f"{each.doubt:.2f}", "bold"), f"  {tag}  ", ("but heard ", "dim"))
    line.append(f"{each.heard} {each.probability:.2f}", colours().get(each.heard, OTHER_COLOUR))
    if each.same_family:
        line.append("  the same family", "dim")
    line.append(f"\n      {each.track.path}", "dim")
    return line


def _others(found: GenreAudit) -> list[str]:
    """Numbers of the tracks that are not in the table, and unknown words."""
    lines = [
        f"{count} {what}"
        for count, what in (
            (found.agreed, "agree"),
            (found.unsure, "cannot be judged: no style is probable enough to be named"),
            (found.unnamed, "have no genre that the model knows"),
            (found.untagged, "have no genre"),
            (found.unheard, "were not heard"),
        )
        if count
    ]
    if found.words:
        named = ", ".join(f"{word} ({count})" for word, count in list(found.words.items())[:WORDS])
        more = f" and {len(found.words) - WORDS} more" if len(found.words) > WORDS else ""
        lines.append(f"words that name no style of the model: {named}{more}")
    return lines


def copies(found: Sequence[Copies], top: int) -> RenderableType:
    """The groups of files, each under what they have in common."""
    heading = f"{len(found)} {'recording appears' if len(found) == 1 else 'recordings appear'} more than once"
    parts: list[RenderableType] = [Text(heading, "bold")]
    for group in found[:top]:
        parts.append(Text("the same content" if group.identical else "the same recording", "dim"))
        of_twins = [] if group.identical else [track.path for twins in group.twins() for track in twins[1:]]
        for track in group.tracks:
            line = Text(f"  {track.path}  {_size(track.size)}")
            parts.append(line.append("  the same content as the one above" if track.path in of_twins else "", "dim"))
    if len(found) > top:
        parts.append(Text(f"and {len(found) - top} more; --top shows them", "dim"))
    return Group(*parts)


def _size(size: int) -> str:
    return f"{size / 1e6:.1f} MB"
