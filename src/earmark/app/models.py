"""Models that are there, and their figures, each with the test that it comes from.

Two figures compare only if their tests are the same.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from earmark.hearing.bundle import Config


@dataclass(frozen=True)
class Card:
    """A model as it is shown to people.

    Attributes:
        name: of the model.
        architecture: the kind of network.
        styles: in the order of its answers.
        families: the family of each style.
        summary: a sentence.
        measured: see `measured`.
        scores: what was measured, each as `measures.scores.Score.as_json`.
        text: the card, Markdown.
    """

    name: str
    architecture: str
    styles: tuple[str, ...]
    families: dict[str, str]
    summary: str
    measured: str
    scores: tuple[dict[str, Any], ...]
    text: str


def cards() -> list[Card]:
    """The cards of the models that are there; a damaged model has none."""
    from earmark.errors import BundleError
    from earmark.hearing.bundle import CARD, at_hand, read_config

    found = []
    for name, folder in at_hand().items():
        try:
            config = read_config(folder)
            text = (folder / CARD).read_text(encoding="utf-8")
        except (BundleError, OSError):  # `earmark models` says so
            continue
        summary = config.provenance.get("summary", "")
        found.append(
            Card(
                name,
                config.architecture,
                tuple(config.styles),
                dict(config.families),
                summary,
                measured(config),
                scores_of(config),
                text,
            )
        )
    return found


def scores_of(config: "Config") -> tuple[dict[str, Any], ...]:
    """What was measured of a model, test by test, in one form for models of tables, trained ones and taught ones."""
    measures = config.measures
    if taught := measures.get("accuracy"):
        said = {"protocol": "the tracks that it was taught, each held out", "classes": len(taught["by_style"])}
        figures = {"micro": [taught["micro"]], "macro": [taught["macro"]], "by_class": taught["by_style"]}
        return ({**taught, **said, **figures},)
    return tuple(measures.get("protocols") or ([measures["score"]] if "score" in measures else []))


SYNTHETIC: Final = "synthetic tracks alone"  # the summary of a model that was trained and measured on those says so


def measured(config: "Config") -> str:
    """The share of first answers that were right, and what that was measured on; "" if nobody measured it."""
    measures = config.measures
    if "precision_at_1" not in measures:
        return ""
    share = f"{measures['precision_at_1']:.3f}".removeprefix("0")
    if "protocols" in measures:
        test = f"{measures['protocols'][0]['tracks']:,} tracks of a shop, by descriptors, artists held out"
        alone = ", the descriptors network alone" if config.architecture == "pool" else ""
        return f"{share} right at first on {test}{alone}"
    tracks = measures.get("tracks")
    if not tracks:
        return f"{share} right at first on a test that it does not name"
    if "accuracy" in measures:
        return f"{share} right at first on the {tracks:,} tracks it was taught, each held out"
    kind = "synthetic " if SYNTHETIC in config.provenance.get("summary", "") else ""
    side = {"test": "test ", "valid": "validation "}.get(measures.get("side", ""), "")
    artists = f" of {measures['artists']} held-out artists" if measures.get("artists") else ""
    return f"{share} right at first on {tracks:,} {kind or side}tracks{artists}"
