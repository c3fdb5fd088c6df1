"""Splits for training, validation and test by the name of the artist, and by nothing else.

A network that has heard an artist recognises the artist: measured on tracks of the same people it looks better than it
is. So all tracks of an artist are on one side. The side is a hash of the name, so it does not depend on which other
tracks there are: adding tracks never moves one.

What this prevents and what it cannot: spelling (case, accents, "The", punctuation) and the way in which guests are
credited do not count, as only the first credited artist does. But somebody who appears under another alias, as a guest
or as a remixer may be on the other side; and a duo that is called after one of its members goes with that member.
Tracks of unknown artists go by the name of their file, so an album of theirs may be on several sides.
"""

import hashlib
import re
import unicodedata
from pathlib import Path

SPLITS = ("train", "valid", "test")
SHARES = (0.8, 0.1, 0.1)

CREDITS = re.compile(r"[&+,;/|]|\b(?:and|feat|featuring|ft|meets|pres|presents|versus|vs|with|x)\b")
NOBODY = frozenset({"", "unknown", "unknownartist", "va", "various", "variousartists"})


def first_artist(artist: str) -> str:
    """The first credited artist, reduced to letters and digits; "" where nobody is named.

    >>> first_artist("The Förster & Somebody"), first_artist("FORSTER (feat. Else)"), first_artist("Various Artists")
    ('forster', 'forster', '')
    """
    plain = "".join(c for c in unicodedata.normalize("NFKD", artist).casefold() if not unicodedata.combining(c))
    whole = _letters(plain)
    if whole in NOBODY:
        return "" if not plain.strip() or whole else plain.strip()  # "!!!" is a name, too
    credited = (_letters(re.sub(r"^\W*the\s+(?=\w)", "", part)) for part in CREDITS.split(plain))
    return next((name for name in credited if name), whole)


def _letters(text: str) -> str:
    return re.sub(r"[\W_]", "", text)


def split_of(artist: str, path: Path, *, seed: int = 0, shares: tuple[float, float, float] = SHARES) -> str:
    """The split of a track.

    Args:
        artist: as credited; "" where unknown, and the name of the file, without its suffix, decides.
        path: the audio file.
        seed: another one splits otherwise.
        shares: of train, valid and test (0-1); they apply to artists, so shares of tracks come near them with many.
    """
    name = first_artist(artist)
    whose = f"artist {name}" if name else f"file {unicodedata.normalize('NFC', path.stem).casefold()}"
    digest = hashlib.sha256(
        f"{seed} {whose}".encode("utf-8", "surrogatepass")
    ).digest()  # Windows has names with lone surrogates
    place = int.from_bytes(digest[:8], "big") / 2**64  # 0-1
    if place < shares[0]:
        return "train"
    return "valid" if place < shares[0] + shares[1] else "test"
