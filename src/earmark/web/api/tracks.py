"""Tracks of the library: found, read, played."""

from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response
from fastapi.responses import FileResponse
from starlette.concurrency import run_in_threadpool

from earmark.app.catalogue import open_catalogue
from earmark.app.explaining import explain
from earmark.app.lookup import current
from earmark.app.query import query
from earmark.library import Catalogue, Track
from earmark.library import Query as Conditions
from earmark.web import sound
from earmark.web.api.asked import AskedDecoded, AskedEars, AskedShelf, AskedSite
from earmark.web.api.listening import answered
from earmark.web.names import legible
from earmark.web.site import Site
from earmark.web.waveform import outline

router = APIRouter(prefix="/tracks", tags=["tracks"])

Text = Annotated[str, Query(max_length=500)]
Sort = Literal["added", "title", "artist", "path", "style", "probability", "bpm", "key", "time"]


def _conditions(
    site: AskedSite,
    words: Text = "",
    genre: Text = "",
    style: Text = "",
    family: Text = "",
    bpm: Annotated[str, Query(max_length=50, description="126, or 124-128")] = "",
    half_double: bool = False,
    key: Annotated[list[str] | None, Query(max_length=24, description="8A, or Am")] = None,
    confidence: Annotated[Literal["", "sure", "likely", "unsure"], Query(description="in the style")] = "",
    unknown: bool = False,
    failed: bool = False,
    missing: bool = False,
) -> Conditions:
    """The conditions of `earmark find`."""
    with open_catalogue(site.catalogue) as opened:
        try:
            return query(
                opened, words=words, genre=genre, style=style, family=family, bpm=bpm, half_double=half_double,
                keys=key or (), confidence=confidence, unknown=unknown, failed=failed, missing=missing,
            )  # fmt: skip
        except ValueError as error:
            raise HTTPException(HTTPStatus.UNPROCESSABLE_ENTITY, str(error)) from None


Wanted = Annotated[Conditions, Depends(_conditions)]


@router.get("", responses={404: {}})
def find(
    site: AskedSite,
    wanted: Wanted,
    sort: Sort = "added",
    descending: bool = False,
    after: Annotated[int, Query(ge=0, lt=2**63, description="the id of the last track of the page before")] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> dict[str, Any]:
    """A page of the tracks that meet all conditions, and how many there are."""
    with open_catalogue(site.catalogue) as opened:
        found = opened.find(wanted, after=after, limit=limit, sort=sort, descending=descending)
        return {"count": opened.count(wanted), "tracks": [track.as_json() for track in found]}


@router.get("/rows", responses={404: {}})
def rows(
    shelf: AskedShelf,
    wanted: Wanted,
    sort: Sort = "added",
    descending: bool = False,
    start: Annotated[int, Query(ge=0, lt=2**63)] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> dict[str, Any]:
    """Rows of a table of the tracks that meet all conditions, from any place on, and how many there are."""
    count, tracks = shelf.page(wanted, sort, start, limit, descending=descending)
    return {"count": count, "rows": legible([_row(track) for track in tracks])}


@router.get("/{number}", responses={404: {}})
def track(number: int, site: AskedSite) -> dict[str, Any]:
    """All that is known of a track, with every beat and the loudness of every second."""
    found = _track(site, number)
    heard = found.analysis.as_json(detail=True) if found.analysis else None
    return {**found.as_json(), "heard": heard}


@router.get("/{number}/sound", response_class=Response, responses={200: {"content": {"audio/*": {}}}, 206: {}, 404: {}})
def play(number: int, site: AskedSite, request: Request) -> Response:
    """The sound of a track, or a part of it (`Range`)."""
    found = _track(site, number)
    duration = found.analysis.duration if found.analysis else None
    return sound.respond(_file(found), request.headers.get("range", ""), duration)


@router.get("/{number}/decoded", response_class=FileResponse, responses={404: {}, 415: {}})
def decoded(number: int, site: AskedSite, decks: AskedDecoded) -> FileResponse:
    """The sound of a track as WAV, two channels of 16 bits at 44.1 kHz, or a part of it (`Range`)."""
    return FileResponse(decks.file(_file(_track(site, number))), media_type="audio/wav")


@router.get("/{number}/waveform", responses={404: {}, 415: {}})
def waveform(number: int, site: AskedSite) -> dict[str, Any]:
    """The outline of a track: levels from 0 to 255, `bins` of them in a second, of the whole and of three bands."""
    path = _file(_track(site, number))
    return outline(path, path.stat().st_mtime_ns).as_json()


@router.get("/{number}/why", responses={404: {}, 415: {}, 422: {}, 429: {}, 504: {}})
async def why(number: int, site: AskedSite, ears: AskedEars, style: Text = "") -> dict[str, Any]:
    """Tell which seconds, bands and sounds of a track decided for a style; by default for that of the answer."""
    known = await run_in_threadpool(_track, site, number)
    path = _file(known)
    found = await answered(ears.do(lambda: explain(path, ears.model, style, current(known))), site)
    return found.as_json()


def _track(site: Site, number: int) -> Track:
    with open_catalogue(site.catalogue) as opened:
        found = _by_id(opened, number)
    if found is None:
        raise HTTPException(HTTPStatus.NOT_FOUND, f"there is no track {number} in the library")
    return found


def _by_id(opened: Catalogue, number: int) -> Track | None:
    return next(iter(opened.by_ids([number])), None) if 0 < number < 2**63 else None


def _row(found: Track) -> dict[str, Any]:
    heard, tags = found.analysis, found.tags
    row = {
        "id": found.id,
        "name": f"{tags.artist} – {tags.title}" if tags.artist and tags.title else found.path.name,
        "path": str(found.path),
        "genre": "; ".join(tags.genres),
        "missing": found.missing,
        "error": found.error,
    }
    if heard is None:
        return row
    style, share = heard.timeline.top(1)[0]
    return row | {
        "style": "" if heard.unknown else style,
        "headline": str(heard.answer()),
        "probability": round(share, 2),
        "family": heard.family()[0],
        "bpm": round(heard.rhythm.bpm, 1) if heard.rhythm else None,
        "key": heard.key.camelot() if heard.key else "",
        "duration": round(heard.duration),
    }


def _file(found: Track) -> Path:
    if not found.path.is_file():
        raise HTTPException(HTTPStatus.NOT_FOUND, f"{found.path.name} is not there any more")
    return found.path
