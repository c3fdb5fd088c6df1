"""Tables, bars and the coloured strip of a timeline, for the terminal."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from earmark.analysis import Analysis, Confidence
from earmark.cli.messages import visible
from earmark.cli.terminal import console
from earmark.styles import styles

if TYPE_CHECKING:
    from earmark.hearing.live import Moment
    from earmark.learning.evaluation.degradations import Movement
    from earmark.measures.scores import Score
    from earmark.recipes.distillation.fidelity import Fidelity

BAR = 16  # characters for a probability of 1
STRIP = 72  # characters for a whole track
BRIEF_NAME = 27  # characters of the name of a file in a line of 80
SPANS = 6  # named for each style; more are counted
DOUBTFUL = 0.4  # confidence below which a tempo or a key is shown with a question mark
EIGHTHS = " ▏▎▍▌▋▊▉"
OTHER_COLOUR = "default"  # of styles that are not among the twelve


def clock(seconds: float) -> str:
    """Minutes and seconds, with hours where there are any.

    >>> clock(65.4), clock(3725)
    ('1:05', '1:02:05')
    """
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"


def bar(share: float, width: int = BAR) -> str:
    """A bar of `share` times `width` characters, to an eighth of a character.

    >>> bar(0.5, 4), bar(0.03125, 4)
    ('██', '▏')
    """
    full, eighth = divmod(round(share * width * 8), 8)
    return ("█" * full + EIGHTHS[eighth]).rstrip()


def colours() -> dict[str, str]:
    """The colour of each of the twelve styles, on the terminal that results go to."""
    few = stdout().color_system in ("standard", "windows")
    return {style.label: style.ansi if few else style.colour for style in styles()}


def analysis(heard: Analysis, top: int, *, timeline: bool) -> RenderableType:
    """A heading, the most probable styles, and on request the timeline."""
    colour_of = colours()
    heading, answer = _heading(heard), heard.answer()
    if answer.confidence is Confidence.NO_MUSIC:
        line = music(heard)
        return Group(heading, *([Padding(Text(line), (0, 0, 0, 2), expand=False)] if line else []), "")
    table = Table.grid(padding=(0, 2))
    for _ in range(4):
        table.add_column(no_wrap=True)  # what does not fit is folded in the last column only
    table.add_column(ratio=1)
    segments = heard.timeline.segments()
    for style, share in heard.timeline.top(top):
        spans = [f"{clock(part.start)}–{clock(part.end)}" for part in segments if part.style == style]
        more = f" and {len(spans) - SPANS} more" if len(spans) > SPANS else ""
        where = ", ".join(spans[:SPANS]) + more
        table.add_row(
            style,
            Text(f"{share:.2f}", "bold"),
            Text(bar(share).ljust(BAR), colour_of.get(style, OTHER_COLOUR)),
            Text(heard.families[style], "dim"),
            Text(where, "dim"),
        )
    parts: list[RenderableType] = [heading, Padding(table, (0, 0, 0, 2), expand=False)]
    if line := music(heard):
        parts.append(Padding(Text(line), (0, 0, 0, 2), expand=False))
    if timeline:
        parts.append(Padding(strip(heard), (0, 0, 0, 2), expand=False))
    return Group(*parts, "")


def brief(heard: Analysis) -> RenderableType:
    """One line: the file, tempo, key, and the answer in words; a long name is shortened on a terminal only."""
    answer = heard.answer()
    name = Text(visible(heard.path.name).ljust(BRIEF_NAME))
    if stdout().is_terminal:
        name.truncate(BRIEF_NAME, overflow="ellipsis", pad=True)
    tempo = f"{heard.rhythm.bpm:.1f}" if heard.rhythm else ""
    key = heard.key.camelot() if heard.key else ""
    named, share = heard.verdict()
    colour = colours().get(named, OTHER_COLOUR)
    probability = f"{share:.2f}" if named else ""
    numbers = f"  {tempo:>6}  {key:>3}  {probability:>4}  "
    return Text.assemble(name, numbers, (str(answer), colour), no_wrap=True, overflow="ellipsis")


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


def _heading(heard: Analysis) -> Text:
    """The file, the answer in words, the family that it is of, and how little sound that rests on."""
    answer = heard.answer()
    heading = Text.assemble((heard.path.name, "bold"), f"  {clock(heard.duration)}  ", (str(answer), "bold"))
    if answer.family:
        share = dict(heard.timeline.families(heard.families))[answer.family]
        heading.append(f"  {share:.2f}" if answer.family_alone else f"  {answer.family} family {share:.2f}", "dim")
    if answer.short and answer.confidence is not Confidence.NO_MUSIC:
        heading.append(f"  rests on {answer.seconds:.{1 if answer.seconds < 1 else 0}f} s", "dim")
    return heading


def music(heard: Analysis) -> str:
    """Tempo, key and loudness in one line, as far as they were heard."""
    parts = []
    if rhythm := heard.rhythm:
        drift = f" (±{rhythm.drift:.1f})" if rhythm.drift else ""
        doubt = "?" if rhythm.confidence < DOUBTFUL else ""
        parts.append(f"{rhythm.bpm:.2f}{drift} BPM{doubt}")
    if key := heard.key:
        parts.append(f"{key.name()} {key.camelot()}{'?' if key.confidence < DOUBTFUL else ''}")
    if loudness := heard.loudness:
        parts.append(f"{loudness.integrated:.1f} LUFS")
    return "   ".join(parts)


def strip(heard: Analysis) -> RenderableType:
    """The track from left to right: the colour of the strongest style, and what the colours mean."""
    colour_of = colours()
    segments = heard.timeline.segments()
    begin, length = segments[0].start, segments[-1].end - segments[0].start
    picture, legend = Text(), Text()
    for part in segments:
        colour = colour_of.get(part.style, OTHER_COLOUR)
        first, last = (round((edge - begin) / length * STRIP) for edge in (part.start, part.end))
        picture.append("█" * (last - first), colour)
        legend.append(f"{'   ' if legend else ''}{clock(part.start)} ", "dim").append(part.style, colour)
        legend.append(f" {part.probability:.2f}", "dim")
    return Group(picture, legend)


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
