"""Two models on the same tracks: paired differences with intervals, and McNemar's test."""

from dataclasses import dataclass

from earmark.measures.uncertainty import Figure, McNemar


@dataclass(frozen=True)
class PairedDifference:
    """One measure of both models, and `difference`, the first minus the second, with a paired 95 % interval.

    Paired: in each draw both are measured on the same tracks. `is_share` says that the measure is one (0-1).
    """

    name: str
    first: float
    second: float
    difference: Figure
    is_share: bool


@dataclass(frozen=True)
class Comparison:
    """All differences of two models, and McNemar's test of their answers where these are right or wrong."""

    measures: tuple[PairedDifference, ...]
    mcnemar: McNemar | None = None
