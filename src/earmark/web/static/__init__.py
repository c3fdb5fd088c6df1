"""Files that the browser gets as they are."""

from pathlib import Path
from typing import Final

STATIC: Final = Path(__file__).parent
