"""Sources of manifests: folders, the files' own tags, and two published data sets.

Each function returns what it collected: a manifest, and what it left out and why. Nothing is decoded here.

References: D. Bogdanov et al., The MTG-Jamendo dataset for automatic music tagging, ICML 2019 workshop; E. Law et al.,
Evaluation of algorithms using games: the case of music tagging, ISMIR 2009 (MagnaTagATune).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from earmark.audio import SUFFIXES
from earmark.errors import FileError, ManifestError
from earmark.files import absolute, as_spelled
from earmark.learning.data.formats import is_text, rows_of
from earmark.learning.data.manifest import Manifest, ManifestEntry, labelled, require_one_spelling, spell
from earmark.learning.data.splits import split_of
from earmark.library.imports import file_names
from earmark.library.tags import read as read_tags
from earmark.library.track import Tags
from earmark.runner import gather, run
from earmark.styles import from_tag

JAMENDO_COLUMNS = ["TRACK_ID", "ARTIST_ID", "ALBUM_ID", "PATH", "DURATION", "TAGS"]
JAMENDO_SPLITS = {"train": "train", "validation": "valid", "test": "test"}
MAGNATAGATUNE_SPLITS = dict.fromkeys("0123456789ab", "train") | {"c": "valid"} | dict.fromkeys("def", "test")


@dataclass(frozen=True)
class Dropped:
    """A track that was left out, and the reason."""

    path: Path
    reason: str


@dataclass(frozen=True)
class Collected:
    """The tracks of a source; `published` if its split is one that others compare figures on, and has to stay."""

    manifest: Manifest
    dropped: tuple[Dropped, ...] = ()
    published: bool = False


def from_folder(folder: Path) -> Collected:
    """A folder with a sub-folder for each style: the name of that is the label.

    Raises:
        ManifestError: there is no such folder, it has no sub-folders, or a style of your own is spelled two ways.
    """
    inside = _listing(folder)
    styles = [each for each in inside if each.is_dir()]
    if not styles:
        raise ManifestError(f"{folder}: there is no folder of a style in it")
    found: list[ManifestEntry | Dropped] = [
        Dropped(each, "it is in no folder of a style") for each in inside if each.suffix.lower() in SUFFIXES
    ]
    for style in styles:
        found += [
            path if isinstance(path, Dropped) else _entry(path, (style.name,), tags_of(path)[0])
            for path in _audio(style)
        ]
    return _collected(folder, "styles", found)


def from_tags(folder: Path) -> Collected:
    """All files below a folder whose genre tag names exactly one of the twelve styles.

    Raises:
        ManifestError: there is no such folder.
    """
    _listing(folder)
    found: list[ManifestEntry | Dropped] = []
    for path in _audio(folder):
        if isinstance(path, Dropped):
            found.append(path)
            continue
        tags, damage = tags_of(path)
        style = _one_style(";".join(tags.genres)) if tags.genres else damage or "it has no genre tag"
        found.append(_entry(path, style, tags) if isinstance(style, tuple) else Dropped(path, style))
    return _collected(folder, "styles", found)


def from_jamendo(tables: Sequence[Path], audio: Path) -> Collected:
    """The MTG-Jamendo data set: one table such as `autotagging_genre.tsv`, or the three of a published split.

    Labels are its tags as they are, `genre---house`. Files of its smaller edition (`.low.mp3`) will do.

    Args:
        tables: tab-separated files; `...-train.tsv`, `...-validation.tsv` and `...-test.tsv` say the split.
        audio: the folder in which the paths of the tables begin.

    Raises:
        ManifestError: a file is no such table, or a track is in two of them.
    """
    splits = [JAMENDO_SPLITS.get(table.stem.rpartition("-")[2]) for table in tables]
    if None in splits and any(splits):
        raise ManifestError(f"{tables[splits.index(None)]}: not one of the tables of a split, as the others are")
    found: list[ManifestEntry | Dropped] = []
    for table, split in zip(tables, splits, strict=True):
        for line, track, artist, path, tags in _jamendo(table):
            if not tags or not all("---" in tag for tag in tags):
                raise ManifestError(f"{table}, line {line}: the tags are {' '.join(tags)!r}, not as in 'genre---house'")
            full, low = (as_spelled(each) for each in (audio / path, (audio / path).with_suffix(".low.mp3")))
            chosen = low if low.is_file() and not full.is_file() else full
            entry = _entry(chosen, tags, Tags(artist=artist, title=track), split)
            found.append(entry if chosen.is_file() else _missing(chosen))
    return _collected(tables[0], "tags", found, published=any(splits))


def from_magnatagatune(annotations: Path, clips: Path, audio: Path, *, by_folder: bool = False) -> Collected:
    """The MagnaTagATune data set.

    Args:
        annotations: `annotations_final.csv`: clip_id, a column of 0 and 1 for each tag, mp3_path; tab-separated.
        clips: `clip_info_final.csv`: clip_id, title, artist and more; tab-separated.
        audio: the folder with the folders 0 to f.
        by_folder: take the split that papers use (0 to b for training, c for validation, d to f for the test), where
            artists are on several sides, instead of splitting by artist.

    Raises:
        ManifestError: a file is no such table.
    """
    about = {clip["clip_id"]: clip for _, clip in _clips(clips, {"clip_id", "title", "artist"})}
    found: list[ManifestEntry | Dropped] = []
    for line, clip in _clips(annotations, {"clip_id", "mp3_path"}):
        number, place = clip.pop("clip_id"), clip.pop("mp3_path")
        split = MAGNATAGATUNE_SPLITS.get(place[:1]) if by_folder else None
        if number not in about:
            raise ManifestError(f"{annotations}, line {line}: the clip {number} is not in {clips}")
        if not {"0", "1"}.issuperset(clip.values()) or (by_folder and place and not split):
            raise ManifestError(
                f"{annotations}, line {line}: not 0 or 1 for each tag, and a path that begins with 0 to f"
            )
        tags = tuple(tag for tag, cell in clip.items() if cell == "1")
        named = Tags(artist=about[number]["artist"], title=about[number]["title"])
        entry = _entry(as_spelled(audio / (place or f"clip {number}")), tags, named, split)
        found.append(entry if entry.path.is_file() else _missing(entry.path))
    return _collected(annotations, "tags", found, published=by_folder)


def as_styles(collected: Collected) -> Collected:
    """Tracks with tags as tracks with a style: those whose tags name exactly one of the twelve.

    What stands before `---` in a tag of MTG-Jamendo is not read.
    """
    found: list[ManifestEntry | Dropped] = list(collected.dropped)
    for entry in collected.manifest.entries:
        style = _one_style(";".join(label.rpartition("---")[2] for label in entry.labels))
        found.append(replace(entry, labels=style) if isinstance(style, tuple) else Dropped(entry.path, style))
    kept = [each for each in found if isinstance(each, ManifestEntry)]
    dropped = tuple(each for each in found if isinstance(each, Dropped))
    return replace(collected, manifest=labelled("styles", kept), dropped=dropped)


def tags_of(path: Path) -> tuple[Tags, str]:
    """The tags of a file, artist and title from its name where they have none; and why they cannot be read, or ""."""
    outcome = run(path, read_tags)
    tags, damage = (Tags(), outcome.reason) if isinstance(outcome, FileError) else (outcome, "")
    return file_names.complete(tags, path), damage


def _one_style(genre: str) -> tuple[str] | str:
    """The style that a genre tag names, or why it names none."""
    match from_tag(genre):
        case [style]:
            return (style.label,)
        case []:
            return f"no style is called {genre!r}"
        case several:
            return f"several styles: {', '.join(style.label for style in several)}"


def _listing(folder: Path) -> list[Path]:
    """The entries of a folder without the hidden ones."""
    try:
        return sorted(each for each in folder.iterdir() if not each.name.startswith("."))
    except OSError as error:
        raise ManifestError(f"{folder}: {error.strerror}") from None


def _audio(folder: Path) -> Iterator[Path | Dropped]:
    """The audio files below a folder."""
    for found in gather([str(folder)]):
        if not isinstance(found, Path):
            yield Dropped(found.path, found.reason)
        elif not is_text(str(found)):
            yield Dropped(found, "its name is not UTF-8 text, as a manifest is")
        else:
            yield found


def _entry(path: Path, labels: tuple[str, ...], about: Tags, split: str | None = None) -> ManifestEntry:
    spelled = tuple(dict.fromkeys(map(spell, labels)))
    return ManifestEntry(absolute(path), spelled, (), about.artist, about.title, split or split_of(about.artist, path))


def _missing(path: Path) -> Dropped:
    return Dropped(path, "there is no such file")


def _collected(
    source: Path, task: Literal["styles", "tags"], found: Iterable[ManifestEntry | Dropped], *, published: bool = False
) -> Collected:
    entries = [each for each in found if isinstance(each, ManifestEntry)]
    dropped = tuple(replace(each, path=absolute(each.path)) for each in found if isinstance(each, Dropped))
    spellings: dict[str, str] = {}
    paths: set[Path] = set()
    for entry in entries:
        if entry.path in paths:
            raise ManifestError(f"{source}: {entry.path} is listed twice")
        paths.add(entry.path)
        for label in entry.labels:
            try:
                require_one_spelling(label, spellings)
            except ManifestError as error:
                raise ManifestError(f"{source}: {error}") from None
    return Collected(labelled(task, entries), dropped, published)


def _jamendo(path: Path) -> Iterator[tuple[int, str, str, str, tuple[str, ...]]]:
    """The lines of a table of MTG-Jamendo: number, track, artist, path and tags, which take a column each."""
    rows = rows_of(path, "\t")
    if next(rows, (1, []))[1] != JAMENDO_COLUMNS:
        raise ManifestError(f"{path}, line 1: the columns are not {', '.join(JAMENDO_COLUMNS)}")
    for line, cells in rows:
        if len(cells) < len(JAMENDO_COLUMNS):
            raise ManifestError(f"{path}, line {line}: {len(cells)} values for {len(JAMENDO_COLUMNS)} columns")
        yield line, cells[0], cells[1], cells[3], tuple(cells[5:])


def _clips(path: Path, needed: set[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """The lines of a table of MagnaTagATune, each with its number."""
    rows = rows_of(path, "\t")
    _, columns = next(rows, (1, []))
    if not needed.issubset(columns):
        raise ManifestError(f"{path}, line 1: the columns {', '.join(sorted(needed))} are not all there")
    for line, cells in rows:
        if len(cells) != len(columns):
            raise ManifestError(f"{path}, line {line}: {len(cells)} values for {len(columns)} columns")
        yield line, dict(zip(columns, cells, strict=True))
