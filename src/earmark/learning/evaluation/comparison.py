"""Two models on the same tracks: what differs, how surely, and whether chance alone would do it."""

from dataclasses import dataclass

from earmark.measures.uncertainty import Figure, McNemar


@dataclass(frozen=True)
class Contrast:
    """One measure of both models, and `difference`, the first minus the second, with a paired 95 % interval.

    Paired: in each draw both are measured on the same tracks. `is_share` says that the measure is one (0-1).
    """

    name: str
    first: float
    second: float
    difference: Figure
    is_share: bool


@dataclass(frozen=True)
class Contrasts:
    """All measures in which two models are compared; McNemar's test of their answers where these are right or wrong."""

    measures: tuple[Contrast, ...]
    mcnemar: McNemar | None = None
