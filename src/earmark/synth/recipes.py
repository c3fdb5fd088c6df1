"""The recipes of the styles, in the order of the styles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from earmark import styles
from earmark.synth.broken_recipes import BROKEN
from earmark.synth.club_recipes import CLUB

if TYPE_CHECKING:
    from earmark.synth.recipe import Recipe

ALL: Final[dict[str, Recipe]] = CLUB | BROKEN
RECIPES: Final[dict[str, Recipe]] = {style.label: ALL[style.label] for style in styles.styles() if style.label in ALL}
STYLES: Final = tuple(RECIPES)
