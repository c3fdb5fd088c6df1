"""A study of labelled tracks in the terminal."""

from collections.abc import Iterator

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from earmark.cli.answer import bar
from earmark.cli.messages import some
from earmark.learning.teaching import Merging, Study
from earmark.measures.uncertainty import Figure

MOST_ISSUES = 10


def study(found: Study, merging: Merging | None) -> Iterator[RenderableType]:
    """Print the tracks, the heads, the held-out accuracy, the learning curve, the doubtful labels and the merging."""
    yield _learned_from(found)
    yield _candidates(found)
    yield from _accuracy(found)
    if found.curve:
        yield _curve(found)
    yield _label_issues(found)
    if merging:
        yield Text(
            f"\nBeside the model's own styles, held out: {_figure(merging.won)} of your tracks get your label first, "
            f"{_figure(merging.kept)} of {merging.others} others keep their answer."
        )


def _figure(value: Figure) -> str:
    return f"{value.value:.1%} ({value.low:.1%}–{value.high:.1%})"


def _learned_from(found: Study) -> RenderableType:
    labelled = found.labelled
    by_style = found.accuracy.by_style if found.accuracy else {}
    table = Table("style", "tracks", "artists", "right", box=None, header_style="dim")
    for index, style in enumerate(labelled.styles):
        part = labelled.part((labelled.labels == index).nonzero()[0])
        named = str(part.artists()) if part.artists() else ""
        unnamed = f"{some(part.nameless(), 'track')} without one" if part.nameless() else ""
        artists = ", ".join(filter(None, (named, unnamed)))
        right = f"{by_style[style][0]:.0%}" if style in by_style else "not measured"
        table.add_row(style, str(len(part.labels)), artists, right)
    return table


def _candidates(found: Study) -> RenderableType:
    title = "\nThe best head of each kind, by held-out loss"
    table = Table("head", "loss", "", box=None, header_style="dim", title=title, title_justify="left")
    for kind in dict.fromkeys(trial.candidate.kind for trial in found.trials):
        best = min((trial for trial in found.trials if trial.candidate.kind == kind), key=lambda trial: trial.loss)
        table.add_row(str(best.candidate), f"{best.loss:.3f}", "chosen" if best is found.best else "")
    return table


def _accuracy(found: Study) -> Iterator[RenderableType]:
    labelled, accuracy = found.labelled, found.accuracy
    if accuracy:
        yield Text.assemble(
            "\nAccuracy on unheard artists: ",
            (_figure(accuracy.micro), "bold"),
            f" of {accuracy.tracks} tracks by {accuracy.artists} artists; ",
            f"always the commonest style: {accuracy.guess:.1%}.",
        )
    if alone := found.unmeasured():
        yield Text(
            f"\nNot measured: {', '.join(alone)}. One artist made all of it, so style and artist cannot be told apart.",
            "yellow",
        )
    if nameless := labelled.nameless():
        yield Text(
            f"{nameless} of {len(labelled.labels)} tracks name no artist: if some share one, the figures are too good.",
            "yellow",
        )


def _curve(found: Study) -> RenderableType:
    columns = ("tracks of each style, at most", "right", "")
    table = Table(*columns, box=None, header_style="dim", title="\nLearning curve", title_justify="left")
    for point in found.curve:
        table.add_row(f"{point.per_style:.0f}", _figure(point.accuracy), bar(point.accuracy.value))
    return table


def _label_issues(found: Study) -> RenderableType:
    flagged = [issue for issue in found.label_issues if issue.flagged]
    if not flagged:
        return Text("\nNo label looks wrong.")
    shown = flagged[:MOST_ISSUES]
    first = f"; the first {len(shown)}" if len(shown) < len(flagged) else ""
    title = f"\n{len(flagged)} of {len(found.label_issues)} labels are worth a second look{first}"
    table = Table(box=None, header_style="dim", title=title, title_justify="left")
    table.add_column("track", overflow="fold")
    for name in ("is called", "sounds like", "by"):
        table.add_column(name)
    for each in shown:
        place = "/".join(each.entry.path.parts[-2:])
        table.add_row(place, each.entry.labels[0], each.looks_like, f"{each.other:.2f} against {each.own:.2f}")
    return table
