"""What is printed of one file: the answer, cut into spans, and as text where no terminal needs colours and folding.

rich draws the spans on a terminal (`show`). Into a pipe or a file they go as they are, and rich is not loaded.
"""

import os
import sys
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

from earmark.analysis import Analysis, Confidence
from earmark.cli.messages import visible

BAR = 16  # characters for a probability of 1
STRIP = 72  # characters for a whole track
BRIEF_NAME = 27  # characters of the name of a file in a line of 80
SPANS = 6  # named for each style; more are counted
DOUBTFUL = 0.4  # confidence below which a tempo or a key is shown with a question mark
EIGHTHS = " ▏▎▍▌▋▊▉"
INDENT, GAP = 2, 2  # characters before what follows the heading, and between columns


class Span(NamedTuple):
    """Text, "bold" or "dim" or as usual, or in the colour of a style."""

    text: str
    look: str = ""
    style: str = ""


def for_terminal() -> bool:
    """Whether results go to a terminal, or to what was told to rich to be one."""
    return sys.stdout.isatty() or any(map(os.environ.get, ("FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE")))


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


def heading(heard: Analysis) -> list[Span]:
    """The file, the answer in words, the family that it is of, and how little sound that rests on."""
    answer = heard.answer()
    spans = [Span(heard.path.name, "bold"), Span(f"  {clock(heard.duration)}  "), Span(str(answer), "bold")]
    if answer.family:
        share = dict(heard.timeline.families(heard.families))[answer.family]
        spans.append(Span(f"  {share:.2f}" if answer.family_alone else f"  {answer.family} family {share:.2f}", "dim"))
    if answer.short and answer.confidence is not Confidence.NO_MUSIC:
        spans.append(Span(f"  rests on {answer.seconds:.{1 if answer.seconds < 1 else 0}f} s", "dim"))
    return spans


def styles(heard: Analysis, top: int) -> list[list[Span]]:
    """A row for each of the most probable styles: name, probability, bar, family, and where it is heard."""
    segments = heard.timeline.segments()
    rows = []
    for style, share in heard.timeline.top(top):
        places = [f"{clock(part.start)}–{clock(part.end)}" for part in segments if part.style == style]
        more = f" and {len(places) - SPANS} more" if len(places) > SPANS else ""
        rows.append(
            [
                Span(style),
                Span(f"{share:.2f}", "bold"),
                Span(bar(share).ljust(BAR), style=style),
                Span(heard.families[style], "dim"),
                Span(", ".join(places[:SPANS]) + more, "dim"),
            ]
        )
    return rows


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


def strip(heard: Analysis) -> tuple[list[Span], list[Span]]:
    """The track from left to right: the colour of the strongest style, and what the colours mean."""
    segments = heard.timeline.segments()
    begin, length = segments[0].start, segments[-1].end - segments[0].start
    picture: list[Span] = []
    legend: list[Span] = []
    for part in segments:
        first, last = (round((edge - begin) / length * STRIP) for edge in (part.start, part.end))
        picture.append(Span("█" * (last - first), style=part.style))
        legend += [
            Span(f"{'   ' if legend else ''}{clock(part.start)} ", "dim"),
            Span(part.style, style=part.style),
            Span(f" {part.probability:.2f}", "dim"),
        ]
    return picture, legend


def brief(heard: Analysis) -> list[Span]:
    """One line: the file, tempo, key, and the answer in words."""
    tempo = f"{heard.rhythm.bpm:.1f}" if heard.rhythm else ""
    key = heard.key.camelot() if heard.key else ""
    named, share = heard.verdict()
    probability = f"{share:.2f}" if named else ""
    numbers = f"  {tempo:>6}  {key:>3}  {probability:>4}  "
    return [Span(visible(heard.path.name).ljust(BRIEF_NAME)), Span(numbers), Span(str(heard.answer()), style=named)]


def text(heard: Analysis, top: int, *, timeline: bool) -> str:
    """The answer as lines of text: the heading, the most probable styles, and on request the timeline."""
    is_music = heard.answer().confidence is not Confidence.NO_MUSIC
    below = _columns([[span.text for span in row] for row in styles(heard, top)]) if is_music else []
    if numbers := music(heard):
        below.append(numbers)
    if timeline and is_music:
        below += map(joined, strip(heard))
    lines = [joined(heading(heard)), *(" " * INDENT + each for each in below), ""]
    return "".join(f"{each.rstrip(' ')}\n" for each in lines)


def line(heard: Analysis) -> str:
    """The answer as one line of text."""
    return f"{joined(brief(heard)).rstrip(' ')}\n"


def joined(spans: Sequence[Span]) -> str:
    """The text of spans, as a terminal may show it."""
    return visible("".join(span.text for span in spans))


def _columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows as lines in which the cells stand below each other."""
    widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
    return [
        visible("".join(cell + " " * (width - _width(cell) + GAP) for cell, width in zip(row, widths, strict=True)))
        for row in rows
    ]


def _width(text: str) -> int:
    """Columns of a terminal that a text takes: two for each sign of Chinese, none for an accent of its own."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(sign) else 2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text
    )
