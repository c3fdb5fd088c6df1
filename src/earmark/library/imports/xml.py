"""XML of other programs, as a stream of elements: a collection of any size is read without being held.

A file can be meant to harm: entities that unfold to gigabytes, references to other files, elements without end. The
formats read here declare no entities and are a few elements deep, so a document type and great depth are refused.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple
from xml.parsers import expat

from earmark.errors import ExchangeError

BLOCK: Final = 1 << 16  # bytes
DEEPEST: Final = 200  # elements within each other; playlists can be in folders within folders


class Tag(NamedTuple):
    """The start of an element, with its attributes, or its end."""

    name: str
    start: bool
    attributes: dict[str, str]


def tags(path: Path, root: str, program: str) -> Iterator[Tag]:
    """The starts and ends of all elements, in their order.

    Args:
        path: the file.
        root: what the outermost element is called.
        program: whose file it should be, for errors.

    Raises:
        ExchangeError: it cannot be opened, is damaged, or is no file of this program.
    """
    parser = expat.ParserCreate()
    found: list[Tag] = []
    depth = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        if not depth and name != root:
            raise ExchangeError(f"{path}: not a collection of {program}: it begins with <{name}>, not <{root}>")
        depth += 1
        if depth > DEEPEST:
            raise ExchangeError(f"{path}, line {parser.CurrentLineNumber}: more than {DEEPEST} elements deep")
        found.append(Tag(name, start=True, attributes=attributes))

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1
        found.append(Tag(name, start=False, attributes={}))

    def refuse(*_: object) -> None:
        raise ExchangeError(f"{path}: it declares a document type, which no collection of {program} does")

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.StartDoctypeDeclHandler = refuse
    try:
        with path.open("rb") as file:
            block = file.read(BLOCK)
            while block:
                parser.Parse(block, False)
                yield from found
                found.clear()
                block = file.read(BLOCK)
            parser.Parse(b"", True)
    except OSError as error:
        raise ExchangeError(f"{path}: {error.strerror}") from None
    except expat.ExpatError as error:
        reason = expat.errors.messages[error.code]
        raise ExchangeError(f"{path}, line {error.lineno}: not whole XML: {reason}") from None
    except (LookupError, ValueError) as error:  # an encoding that nobody knows
        raise ExchangeError(f"{path}: not XML that can be read: {error}") from None
    yield from found
