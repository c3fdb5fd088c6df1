"""Files for other programs: their names, and XML element by element.

XML 1.0 cannot hold most control characters at all, not even escaped. In texts they become U+FFFD; in the name of a
file, where that would name another file, they are an error.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import PurePath
from typing import IO, Final
from xml.sax.saxutils import escape

FORBIDDEN: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
REPLACEMENT: Final = "\ufffd"
ESCAPED: Final = {
    '"': "&quot;",
    "\n": "&#10;",
    "\r": "&#13;",
    "\t": "&#9;",
}  # a reader would make blanks of the last three
UNSAFE: Final = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|]')  # in names of files, on one system or another


def file_name(name: str) -> str:
    """A name as a file can be called on every system: `House - Nu Disco - Disco`."""
    return UNSAFE.sub("-", name).strip(". ") or "-"


def xml_problem(path: PurePath) -> str:
    """Reason why XML cannot name a file, or ""."""
    found = FORBIDDEN.search(str(path))
    if not found:
        return ""
    if "\ud800" <= found[0] <= "\udfff":
        return "its name is not UTF-8 text"
    return f"its name holds a character that XML cannot: U+{ord(found[0]):04X}"


class XmlFile:
    """An XML document that is written as it comes, so that a collection of any size needs no memory."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._depth = 0
        file.write(b'<?xml version="1.0" encoding="UTF-8"?>\n')

    @contextmanager
    def element(self, tag: str, attributes: Mapping[str, object]) -> Iterator[None]:
        """An element with its attributes; what is written inside the block is inside of it."""
        self._line(f"<{tag}{_attributes(attributes)}>")
        self._depth += 1
        yield
        self._depth -= 1
        self._line(f"</{tag}>")

    def leaf(self, tag: str, attributes: Mapping[str, object]) -> None:
        """An element with nothing in it."""
        self._line(f"<{tag}{_attributes(attributes)}/>")

    def _line(self, text: str) -> None:
        self._file.write(f"{'  ' * self._depth}{text}\n".encode())


def _attributes(attributes: Mapping[str, object]) -> str:
    return "".join(
        f' {name}="{escape(FORBIDDEN.sub(REPLACEMENT, str(text)), ESCAPED)}"' for name, text in attributes.items()
    )
