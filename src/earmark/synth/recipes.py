"""The twelve styles and their recipes, in the order of the styles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from earmark import styles
from earmark.synth.broken_recipes import BROKEN
from earmark.synth.club_recipes import CLUB

if TYPE_CHECKING:
    from earmark.synth.recipe import Recipe

STYLES: Final = tuple(style.label for style in styles.styles())
RECIPES: Final[dict[str, Recipe]] = {label: (CLUB | BROKEN)[label] for label in STYLES}
