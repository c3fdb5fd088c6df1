"""The card of a taught model: its tracks, its held-out accuracy, and its limits."""

from earmark.hearing.bundle import Config
from earmark.learning import cards
from earmark.learning.teaching.heads import HEADS
from earmark.learning.teaching.merging import Merging
from earmark.learning.teaching.study import Study
from earmark.measures.uncertainty import Figure
from earmark.styles import styles

TEXT = """{signature} The frozen network of `{base}` hears;
a {head} head on its embedding answers.

## What it was taught with

{data}

{artists}

The labels are those of whoever taught it. Beneath is `{base}`: {base_summary}. Its licence and its limits hold here as
well; the rights in the music that was taught with remain where they were.
{attribution}
## How well it hears

{accuracy}

{curve}

{merging}## What to know before trusting it

{limits}
"""


def write(config: Config, study: Study, merging: Merging | None, base: Config) -> str:
    """The card of a model that was taught."""
    # A pool has the data of its descriptors, and whom its ear learned from.
    sources = [str(base.provenance[part]).rstrip(".") for part in ("data", "ear") if base.provenance.get(part)]
    text = TEXT.format(
        signature=cards.signature(config),
        base=base.name,
        head=HEADS[study.best.candidate.kind].title,
        data=_data(study),
        artists=_artists(study),
        base_summary=base.provenance.get("summary", "no summary"),
        attribution=f"\nData behind `{base.name}`: {'. '.join(sources)}.\n" if sources else "",
        accuracy=_accuracy(study),
        curve=_curve(study),
        merging=_merging(merging, base) if merging else "",
        limits=cards.bullets(_limits(config, study, merging, base)),
    )
    return cards.card(config.name, config.provenance["summary"], text)


def _data(study: Study) -> str:
    labelled = study.labelled
    rows = []
    for index, style in enumerate(labelled.styles):
        part = labelled.part((labelled.labels == index).nonzero()[0])
        unknown = f"unknown for {part.nameless()} tracks" if part.nameless() else ""
        known = str(part.artists()) if part.artists() or not unknown else ""
        rows.append((style, len(part.labels), ", ".join(filter(None, (known, unknown)))))
    return cards.table(["style", "tracks", "artists"], rows)


def _artists(study: Study) -> str:
    nameless, tracks = study.labelled.nameless(), len(study.labelled.labels)
    if not nameless:
        return "Every track names its artist; no artist was on both sides of a test."
    return (
        f"{nameless} of {tracks} tracks name no artist, and each counts as an artist of its own: if several are by the "
        "same, the figures below flatter."
    )


def figure(value: Figure) -> str:
    """A share with its interval, as text."""
    return f"{value.value:.3f} ({value.low:.3f}–{value.high:.3f})"


def _accuracy(study: Study) -> str:
    found = study.accuracy
    alone = study.unmeasured()
    why = f"All tracks of {' and of '.join(alone)} are by one artist: " if alone else ""
    if not found:
        return (
            f"**Not measured.** {why}whether it knows the styles or the artists cannot be told. "
            "With tracks of at least two artists for each style it could be."
        )
    rows = ((style, count, f"{share:.2f}") for style, (share, count) in found.by_style.items())
    by_style = cards.table(["style", "tracks", "right"], rows)
    missing = f"\n\n{why}they were learned from, but are not in these figures." if alone else ""
    return (
        f"Right for {figure(found.micro)} of {found.tracks} tracks by {found.artists} artists, mean over the styles "
        f"{figure(found.macro)}; always naming the commonest would be right for {found.guess:.3f}. Each track was "
        "predicted by a head that had not heard its artist, chosen without looking at that prediction. Brackets are "
        f"95 % bootstrap intervals over the artists. Expected calibration error {found.calibration_error:.3f}."
        f"\n\n{by_style}{missing}"
    )


def _curve(study: Study) -> str:
    if not study.curve:
        return "No learning curve: see above."
    rows = ((f"{point.per_style:.0f}", figure(point.accuracy)) for point in study.curve)
    return (
        "What more tracks bring (the settings were chosen with all of them, so the last row flatters a little):\n\n"
        + cards.table(["tracks of each style, at most", "right"], rows)
    )


def _merging(merging: Merging, base: Config) -> str:
    return (
        f"Beside the styles of `{base.name}`, with {merging.others} other tracks to tell what is not taught: "
        f"{figure(merging.won)} of the taught tracks get their label as the first of all {len(merging.styles)} styles, "
        f"and {figure(merging.kept)} of the other tracks keep the answer that `{base.name}` alone gives. All of them "
        "were held out.\n\n"
    )


def _limits(config: Config, study: Study, merging: Merging | None, base: Config) -> list[str]:
    threshold = config.unknown_threshold
    limits = [
        f"It hears what `{base.name}` hears. What that network throws away, no head can bring back.",
        f"A track whose most probable style is below {threshold} is called unlike anything the model knows.",
    ]
    if merging:
        limits += [
            "A third of all music was taken to be of the taught kind. Where it is rarer, it is named too often.",
            "A taught style that sounds like one of the model's own takes tracks over from it.",
            "Other music of a kind that was not among the other tracks was not tested.",
        ]
        replaced = [style for style in study.labelled.styles if style in base.styles]
        if replaced:
            limits.append(f"For {', '.join(replaced)} both answer, and their probabilities are added.")
    else:
        limits.append("It knows no other styles: of anything else it names one of its own, more or less surely.")
    if study.best.candidate.kind != "linear" or merging:
        limits.append("Its weights hold embeddings of the taught tracks: numbers from which no sound can be made.")
    known = {style.label for style in styles()} | set(base.families)
    if own := [style for style in study.labelled.styles if style not in known]:
        limits.append(f"No family is known for {', '.join(own)}: each is a family of its own.")
    return limits
