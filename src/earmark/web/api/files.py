"""Files in the folders that the server was given: looked through, heard, played; in the library or not."""

from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response

from earmark.app.catalogue import open_catalogue
from earmark.app.explaining import explain
from earmark.app.similar import Found, similar
from earmark.folders import inside
from earmark.web import sound
from earmark.web.api.asked import AskedEars, AskedSite
from earmark.web.api.listening import answer_of, answered, found_alike
from earmark.web.site import Site

router = APIRouter(prefix="/files", tags=["files"], responses={403: {}, 404: {}})

Name = Annotated[str, Query(max_length=4096)]
FOREIGN = "this lies in none of the folders that `earmark serve` was given"


def _permitted(path: Name, site: AskedSite) -> Path:
    """A file in one of the folders of the server."""
    found = _place(path, site)
    if not found.is_file():
        raise HTTPException(HTTPStatus.NOT_FOUND, "there is no such file")
    return found


Permitted = Annotated[Path, Depends(_permitted)]


@router.get("")
def look(site: AskedSite, folder: Name = "") -> dict[str, Any]:
    """The folders and the audio files in a folder; without one, the folders that the server was given."""
    if not folder:
        return {"folder": "", "above": None, "folders": _named(site.folders), "files": []}
    place = _place(folder, site)
    try:
        folders, files = inside(place)
    except OSError as error:
        raise HTTPException(HTTPStatus.NOT_FOUND, f"this folder cannot be read: {error.strerror}") from None
    folders, files = ([path for path in paths if _shown(path, site)] for paths in (folders, files))
    above = "" if place in site.folders else str(place.parent)
    return {"folder": str(place), "above": above, "folders": _named(folders), "files": _named(files)}


@router.get("/listen", responses={415: {}, 429: {}, 504: {}})
async def listen(
    path: Permitted,
    site: AskedSite,
    ears: AskedEars,
    top: Annotated[int, Query(ge=1, le=100)] = 3,
    detail: bool = False,
    waveform: bool = False,
) -> dict[str, Any]:
    """Say which style a file is, as `earmark listen --json` does."""
    heard = await answered(ears.hear(path), site)
    answer = await answer_of(heard, site, top=top, detail=detail, waveform=waveform)
    return {**answer, "path": str(path)}


@router.get("/why", responses={415: {}, 422: {}, 429: {}, 504: {}})
async def why(path: Permitted, site: AskedSite, ears: AskedEars, style: str = "") -> dict[str, Any]:
    """Tell which seconds, bands and sounds of a file decided for a style; by default for that of the answer."""
    found = await answered(ears.do(lambda: explain(path, ears.model, style, ears.heard(path).analysis)), site)
    return found.as_json()


@router.get("/similar", responses={415: {}, 422: {}, 429: {}, 504: {}})
async def alike(
    path: Permitted, site: AskedSite, ears: AskedEars, limit: Annotated[int, Query(ge=1, le=100)] = 5
) -> list[dict[str, Any]]:
    """Tracks of the library that sound like a file, the most alike first, and why."""

    def find() -> Found:
        with open_catalogue(site.catalogue) as opened:
            return similar(opened, [str(path)], limit=limit, listener=ears.listener)

    return found_alike(await answered(ears.do(find), site))


@router.get("/sound", response_class=Response, responses={200: {"content": {"audio/*": {}}}, 206: {}, 415: {}})
def play(path: Permitted, request: Request) -> Response:
    """The sound of a file, or a part of it (`Range`)."""
    return sound.respond(path, request.headers.get("range", ""))


def _place(name: str, site: Site) -> Path:
    """A path in one of the folders of the server, without links in it."""
    if not site.may_scan(Path(name)):
        raise HTTPException(HTTPStatus.FORBIDDEN, FOREIGN)
    return Path(name).resolve()


def _shown(path: Path, site: Site) -> bool:
    """Whether a path can be asked for: no link leads out of the folders of the server, and its name is text."""
    return site.may_scan(path) and not any("\ud800" <= letter <= "\udfff" for letter in path.name)


def _named(paths: "tuple[Path, ...] | list[Path]") -> list[dict[str, str]]:
    return [{"name": path.name or str(path), "path": str(path)} for path in paths]
