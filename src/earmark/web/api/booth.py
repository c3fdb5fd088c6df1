"""Back to back with the machine."""

from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, HTTPException
from fastapi.responses import FileResponse
from starlette.concurrency import run_in_threadpool

from earmark.web.api.asked import AskedBooth, AskedDecoded, AskedSite
from earmark.web.api.listening import answered
from earmark.web.api.requests import MachineBody, MoodBody, TrackBody

router = APIRouter(prefix="/booth", tags=["back to back"], responses={404: {}})


@router.get("")
async def state(booth: AskedBooth, site: AskedSite) -> dict[str, Any]:
    """The session: the turns so far, and what the machine offers if it is its turn."""
    return await answered(booth.state(), site)


@router.post("/human")
async def human(body: TrackBody, booth: AskedBooth, site: AskedSite) -> dict[str, Any]:
    """Play a track of the library."""
    return await answered(booth.human(body.track), site)


@router.post("/machine")
async def machine(body: MachineBody, booth: AskedBooth, site: AskedSite) -> dict[str, Any]:
    """Let the machine play one of the tracks that it offers, the best by default; the transition is rendered."""
    return await answered(booth.machine(body.pick, body.mood), site)


@router.post("/mood")
async def mood(body: MoodBody, booth: AskedBooth, site: AskedSite) -> dict[str, Any]:
    """Have the machine follow the energy, contrast it, or go up or down."""
    return await answered(booth.ask(body.mood), site)


@router.post("/back")
async def back(booth: AskedBooth, site: AskedSite) -> dict[str, Any]:
    """Take the last turn back."""
    return await answered(booth.take_back(), site)


@router.post("/new")
async def begin(booth: AskedBooth, site: AskedSite) -> dict[str, Any]:
    """Begin a new session; the log of the last one stays beside the catalogue."""
    return await answered(booth.begin(), site)


@router.get("/transitions/{number}", response_class=FileResponse)
async def transition(number: int, booth: AskedBooth, site: AskedSite) -> FileResponse:
    """The transition to a turn, counted from 0, as FLAC: eight bars of the one track, both, eight bars of the other."""
    path = await answered(booth.transition(number), site)
    if path is None:
        raise HTTPException(HTTPStatus.NOT_FOUND, "there is no transition to this turn")
    return FileResponse(path, media_type="audio/flac")


@router.get("/transitions/{number}/decoded", response_class=FileResponse)
async def decoded(number: int, booth: AskedBooth, site: AskedSite, decks: AskedDecoded) -> FileResponse:
    """The same as WAV, 44.1 kHz, for a player that joins it and its tracks (`/tracks/ID/decoded`) on the sample."""
    path = await answered(booth.transition(number), site)
    if path is None:
        raise HTTPException(HTTPStatus.NOT_FOUND, "there is no transition to this turn")
    return FileResponse(await run_in_threadpool(decks.file, path), media_type="audio/wav")
