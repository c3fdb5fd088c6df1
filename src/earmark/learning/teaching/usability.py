"""Whether a taught model is of any use: what it would get wrong too often to be listened to."""

from earmark.learning.teaching.merging import Merging
from earmark.learning.teaching.study import Study

LEAST_WON = 1 / 3  # of the taught tracks get their label; below, two of three are called something else
FEWEST = 20  # measured tracks: by fewer it is not known whether a head is no better than drawing lots


def reason_against(study: Study, merging: Merging | None) -> str:
    """The reason that a model is not usable yet, in words; "" if there is none, or none was measured.

    Args:
        study: its accuracy is compared with that of drawing lots.
        merging: how the styles of both models get along; None without the model's own styles.
    """
    if merging and merging.won.value < LEAST_WON:
        return f"beside the model's own styles, {merging.won.value:.0%} of your tracks get your label"
    found = study.accuracy
    if found and found.tracks >= FEWEST and found.macro.value * len(found.by_style) <= 1:
        return (
            f"{found.macro.value:.0%} of the tracks by unheard artists are right, styles counting alike, "
            f"and drawing lots gives {1 / len(found.by_style):.0%}"
        )
    return ""
