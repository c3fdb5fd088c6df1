"""Real music with open licences: which works there are, which of them nothing is learned from, whose they are.

A folder holds the files and `manifest.csv` with a line for each excerpt (its columns are those of `Excerpt`).

Held out are whole *authors*: all by one artist, on whatever album, and where no artist is known a whole album. In
each source that has several authors (those with one alone count as one source together) the authors are gone through in
the order of the SHA-256 of their names, and one is held out if that leaves out at most HELD_OUT of the source's works,
and of those that are electronic. An author of more than LARGEST works is learned from: what is measured shall not be
one artist's. So the split depends on nothing but the manifest, and an author is held out or learned from for good.
"""

import csv
import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from earmark.errors import ManifestError

MANIFEST = "manifest.csv"
HELD_OUT = 0.2  # of the works of a source, at most; over all sources it comes to about 15 %
LARGEST = 10  # works
NOBODY = ("", "unknown", "-unknown-")  # what stands in the place of an artist that is not known
SAME_AUTHOR = {
    "gerd-elysis-raudenbusch": "elysis",
    "www-elysis-de": "elysis",
    "www-indiedb-com-members-crystan": "christian-crystan-hoffmann",
    "nikola-whallon-6-saturn-6-gmail-com-": "nikola-whallon",
    "chris-leutwyler-max-freeman": "chris-leutwyler",
    "max-freeman-chris-leutwyler": "chris-leutwyler",
    "chris-leutwyler-krobonil-": "chris-leutwyler",
    "2017-0zone0ne-and-krobonil": "chris-leutwyler",
    "0zone0ne": "chris-leutwyler",
    "2016-2022-geekpenguinbr-heuchi1": "heuchi1",
    "2021-heuchi1": "heuchi1",
}
"""Artists under several names, or who made a work together."""


@dataclass(frozen=True)
class Excerpt:
    """A file, and what is known of it."""

    file: str
    source: str
    inner: str
    licence: str
    artist: str
    title: str
    group: str
    electronic: bool

    @property
    def work(self) -> str:
        """What it is an excerpt of."""
        return f"{self.source}/{self.inner}"

    @property
    def author(self) -> str:
        """Whose it is; the album where nobody knows."""
        artist = self.group.rpartition("/")[2] if self.artist else ""
        return self.group if artist in NOBODY else SAME_AUTHOR.get(artist, artist)


def read(folder: Path) -> list[Excerpt]:
    """The excerpts of a folder, in the order of its manifest.

    Raises:
        ManifestError: there is no manifest, or one without the columns that are needed.
    """
    names = [field.name for field in fields(Excerpt) if field.name != "electronic"]
    try:
        with (folder / MANIFEST).open(encoding="utf-8", newline="") as file:
            lines = list(csv.DictReader(file))
        return [Excerpt(**{name: line[name] for name in names}, electronic=line["electronic"] == "1") for line in lines]
    except FileNotFoundError:
        raise ManifestError(f"{folder / MANIFEST}: no such manifest of music") from None
    except KeyError as error:
        raise ManifestError(f"{folder / MANIFEST}: no column {error}") from error


def held_out(excerpts: Sequence[Excerpt]) -> frozenset[str]:
    """The authors that nothing is learned from; see the module."""
    authors: dict[str, list[Excerpt]] = defaultdict(list)
    for excerpt in excerpts:
        authors[excerpt.author].append(excerpt)
    sources: dict[str, list[str]] = defaultdict(list)  # an author belongs to the source that its first excerpt is from
    for author, its in authors.items():
        sources[its[0].source].append(author)
    alone = [source for source, its in sources.items() if len(its) == 1]
    strata = [its for source, its in sources.items() if source not in alone]
    strata.append([sources[source][0] for source in alone])
    chosen: set[str] = set()
    for stratum in strata:
        left = [HELD_OUT * count for count in _works(each for author in stratum for each in authors[author])]
        for author in sorted(stratum, key=lambda name: hashlib.sha256(name.encode()).hexdigest()):
            its_works = _works(authors[author])
            if its_works[0] <= LARGEST and all(few <= room for few, room in zip(its_works, left, strict=True)):
                chosen.add(author)
                left = [room - few for few, room in zip(its_works, left, strict=True)]
    return frozenset(chosen)


def _works(excerpts: Iterable[Excerpt]) -> tuple[int, int]:
    """How many works there are, and how many of them are electronic."""
    known = {(excerpt.work, excerpt.electronic) for excerpt in excerpts}
    return len({work for work, _ in known}), len({work for work, electronic in known if electronic})


ATTRIBUTION = """# Music that {name} learned from

{name} learned the answers of other networks on these {works} works ({excerpts} excerpts), which their makers
published under open licences. The works themselves are not part of it. Of those marked *held out* nothing was learned;
how closely the ear follows its teachers was measured on them.{unread}

| artist | title | licence | source | |
|---|---|---|---|---|
{lines}
"""


UNREAD = """ Those marked *not read* could not be
read where it was trained: nothing was learned from them and nothing measured on them."""


def attribution(name: str, excerpts: Sequence[Excerpt], unread: Collection[str] = (), text: str = ATTRIBUTION) -> str:
    """Every work with its author, licence and source, in Markdown.

    Args:
        name: of the model that learned from them.
        excerpts: of the works.
        unread: files that could not be read.
        text: with places for {name}, {works}, {excerpts}, {unread} and {lines}.
    """
    unheard = held_out(excerpts)
    read = {excerpt.work for excerpt in excerpts if excerpt.file not in unread}
    lines = {
        excerpt.work: " | ".join(
            (
                _cell(excerpt.artist) or "(not named)",
                _cell(excerpt.title) or _cell(Path(excerpt.inner).stem),
                excerpt.licence,
                f"{excerpt.source}, `{_cell(excerpt.inner)}`",
                _mark(excerpt, read, unheard),
            )
        )
        for excerpt in sorted(excerpts, key=lambda each: (each.source, each.inner))
    }
    return text.format(
        name=name,
        works=len(lines),
        excerpts=len(excerpts),
        unread=UNREAD if len(read) < len(lines) else "",
        lines="\n".join(f"| {line} |" for line in lines.values()),
    )


def _mark(excerpt: Excerpt, read: Collection[str], unheard: Collection[str]) -> str:
    if excerpt.work not in read:
        return "not read"
    return "held out" if excerpt.author in unheard else ""


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "/").split())
