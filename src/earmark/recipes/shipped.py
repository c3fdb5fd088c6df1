"""Recipe files that come with earmark, by name: `house12` is `house12/house12.toml` beside this module.

The provenance of a shipped model names its recipe by its path from `earmark/` on (`learning.recipe.Recipe.origin`).
"""

from pathlib import Path

from earmark.errors import BundleError, ManifestError
from earmark.hearing.bundle import Config

FILES = {path.stem: path for path in sorted(Path(__file__).parent.glob("*/*.toml"))}


def locate(recipe: Path) -> Path:
    """A recipe file: the path itself if there is such a file, else the one of that name that comes with earmark.

    Raises:
        ManifestError: there is neither.
    """
    if recipe.is_file():
        return recipe
    if recipe.stem not in FILES:
        raise ManifestError(f"{recipe}: there is no such recipe; those that come with earmark are {', '.join(FILES)}")
    return FILES[recipe.stem]


def recipe_of_tables(config: Config) -> Path:
    """The recipe by which a model was made from measured tables; a pool `NAME-pool` holds the descriptors of `NAME`.

    Raises:
        BundleError: the model was not made from tables, or by a recipe that does not come with earmark.
    """
    named = config.provenance.get("recipe")
    if config.architecture in {"descriptors", "pool"} and isinstance(named, str):
        stem = Path(named).stem.removesuffix("-pool")
        if stem in FILES:
            return FILES[stem]
    raise BundleError(
        f"{config.name}: not made from tables by a recipe that comes with earmark; give one with --recipe"
    )
