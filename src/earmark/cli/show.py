"""Tables, bars and the coloured strip of a timeline, for the terminal."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from earmark.analysis import Analysis, Confidence
from earmark.cli import answer
from earmark.cli.answer import DOUBTFUL, Span, clock
from earmark.cli.terminal import console
from earmark.styles import styles

if TYPE_CHECKING:
    from earmark.hearing.live import Moment
    from earmark.learning.evaluation.degradations import Movement
    from earmark.measures.scores import Score
    from earmark.recipes.distillation.fidelity import Fidelity

OTHER_COLOUR = "default"  # of styles that are not among the twelve


def colours() -> dict[str, str]:
    """The colour of each of the twelve styles, on the terminal that results go to."""
    few = stdout().color_system in ("standard", "windows")
    return {style.label: style.ansi if few else style.colour for style in styles()}


def analysis(heard: Analysis, top: int, *, timeline: bool) -> RenderableType:
    """A heading, the most probable styles, and on request the timeline."""
    parts: list[RenderableType] = []
    is_music = heard.answer().confidence is not Confidence.NO_MUSIC
    if is_music:
        table = Table.grid(padding=(0, answer.GAP))
        for _ in range(4):
            table.add_column(no_wrap=True)  # what does not fit is folded in the last column only
        table.add_column(ratio=1)
        for row in answer.styles(heard, top):
            table.add_row(*(_drawn([span]) for span in row))
        parts.append(table)
    if line := answer.music(heard):
        parts.append(Text(line))
    if timeline and is_music:
        parts.append(Group(*map(_drawn, answer.strip(heard))))
    below = (Padding(part, (0, 0, 0, answer.INDENT), expand=False) for part in parts)
    return Group(_drawn(answer.heading(heard)), *below, "")


def brief(heard: Analysis) -> RenderableType:
    """One line; a long name is shortened on a terminal."""
    name, *rest = answer.brief(heard)
    line = Text(name.text)
    if stdout().is_terminal:
        line.truncate(answer.BRIEF_NAME, overflow="ellipsis", pad=True)
    line.append(_drawn(rest))
    line.no_wrap, line.overflow = True, "ellipsis"
    return line


def _drawn(spans: Sequence[Span]) -> Text:
    """Spans in their colours."""
    colour_of = colours()
    looks = (span.look or (colour_of.get(span.style, OTHER_COLOUR) if span.style else "") for span in spans)
    return Text.assemble(*((span.text, look) for span, look in zip(spans, looks, strict=True)))


def moment(heard: "Moment", top: int) -> RenderableType:
    """One line about what plays: when, the styles, tempo, key, and the sounds."""
    analysis = heard.analysis
    line = Text(f"{clock(heard.end):>7}  ", "dim")
    if analysis.no_music:
        return line.append(analysis.no_music)
    colour_of = colours()
    for style, share in analysis.timeline.top(top):
        line.append(f"{style} {share:.2f}  ", colour_of.get(style, OTHER_COLOUR))
    if analysis.rhythm:
        line.append(f"{analysis.rhythm.bpm:.1f} BPM{'?' if analysis.rhythm.confidence < DOUBTFUL else ''}  ")
    if analysis.key:
        line.append(f"{analysis.key.camelot()}{'?' if analysis.key.confidence < DOUBTFUL else ''}  ")
    line.append(", ".join(sound.name for sound in heard.sounds), "dim")
    line.rstrip()
    return line


def models_table(rows: Sequence[tuple[str, ...]]) -> RenderableType:
    """The models that are there: name, styles, architecture, size, what it is and what was measured on what."""
    table = Table("name", "styles", "architecture", "size", "what it is", box=None, header_style="dim")
    for row in rows:
        table.add_row(*row)
    return table


def scores_table(scores: "list[Score]") -> RenderableType:
    """Precision at k under each protocol, with intervals, beside the best figures known."""
    from earmark.measures.scores import rows

    known = " / best figure known" if any(score.reference for score in scores) else ""
    title = f"Precision at k (95 % interval){known}"
    table = Table("protocol", "tracks", "average", "P@1", "P@2", "P@3", box=None, header_style="dim", title=title)
    for row in rows(scores):
        table.add_row(*row)
    return table


def movements_table(movements: "list[Movement]") -> RenderableType:
    """Share of files whose strongest style, family and answer stay, and how far probabilities move, by degradation."""
    columns = ("degradation", "files", "same top style", "same family", "same answer", "mean distance (0-1)")
    table = Table(*columns, box=None, header_style="dim")
    names = [*dict.fromkeys(each.degradation for each in movements), "all"]
    for name in names:
        chosen = [each for each in movements if name in (each.degradation, "all")]
        same = sum(each.before == each.after for each in chosen)
        family = sum(len(set(each.families)) == 1 for each in chosen)
        answer = sum(len(set(each.answers)) == 1 for each in chosen)
        distance = sum(each.distance for each in chosen) / len(chosen)
        kept = (f"{count} ({count / len(chosen):.0%})" for count in (same, family, answer))
        table.add_row(name, str(len(chosen)), *kept, f"{distance:.2f}")
    return table


def fidelity_table(measured: "Mapping[str, Fidelity]") -> RenderableType:
    """Correlation of an ear with its teachers, for each class of sound."""
    table = Table("class", *measured, box=None, header_style="dim", title="Correlation with the teachers")
    every = list(measured.values())
    table.add_row("stretches", *(str(each.stretches) for each in every))
    for name in every[0].correlations:
        table.add_row(name, *(f"{each.correlations[name]:.2f}" for each in every))
    table.add_row("mean of these", *(f"{each.mean:.2f}" for each in every))
    table.add_row("same strongest class", *(f"{each.agreement:.2f}" for each in every))
    table.add_row("50 tags, mean", *(f"{each.tags:.2f}" for each in every))
    return table


@cache
def stdout() -> Console:
    """The console for results; one object, so that a progress bar on the same terminal knows what is printed."""
    return console()
