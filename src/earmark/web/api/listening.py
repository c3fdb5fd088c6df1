"""Hearing files that are sent."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from fastapi import APIRouter, HTTPException, Query, UploadFile

from earmark.app.catalogue import open_catalogue
from earmark.app.explaining import explain
from earmark.app.similar import Found, similar
from earmark.audio import SUFFIXES
from earmark.errors import EarmarkError, FileError
from earmark.runner import StoppedError
from earmark.web.api.asked import AskedEars, AskedSite
from earmark.web.ears import LateError
from earmark.web.site import Site

if TYPE_CHECKING:
    from concurrent.futures import Future

    from earmark.hearing.occlusion import Reasons
    from earmark.runner import Outcome
    from earmark.web.ears import Heard

router = APIRouter(tags=["listen"])

T = TypeVar("T")


@router.post("/listen", responses={415: {}, 429: {}, 504: {}})
async def listen(
    file: UploadFile,
    site: AskedSite,
    ears: AskedEars,
    top: Annotated[int, Query(ge=1, le=100)] = 3,
    detail: Annotated[bool, Query(description="every beat, and the loudness of every second")] = False,
    waveform: Annotated[bool, Query(description="its outline: levels from 0 to 255, `bins` in a second")] = False,
) -> dict[str, Any]:
    """Say which style a file is, as `earmark listen --json` does; the file is deleted when the answer is there."""
    async with _kept(file) as path:
        heard = await answered(ears.hear(path), site)
    answer = await answer_of(heard, site, top=top, detail=detail, waveform=waveform)
    return {**answer, "path": file.filename or ""}


@router.post("/why", responses={415: {}, 422: {}, 429: {}, 504: {}})
async def why(file: UploadFile, site: AskedSite, ears: AskedEars, style: str = "") -> dict[str, Any]:
    """Tell which seconds, bands and sounds of a file decided for a style; by default for that of the answer."""

    def ask(path: Path) -> "Reasons":
        return explain(path, ears.model, style, ears.heard(path).analysis)

    async with _kept(file) as path:
        try:
            found = await answered(ears.do(lambda: ask(path)), site)
        except FileError as error:
            raise HTTPException(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, error.reason) from None
    return found.as_json()


@router.post("/similar", responses={404: {}, 415: {}, 422: {}, 429: {}, 504: {}})
async def alike(
    file: UploadFile, site: AskedSite, ears: AskedEars, limit: Annotated[int, Query(ge=1, le=100)] = 5
) -> list[dict[str, Any]]:
    """Tracks of the library that sound like a file, the most alike first, and why."""

    def find(path: Path) -> Found:
        with open_catalogue(site.catalogue) as opened:
            return similar(opened, [str(path)], limit=limit, listener=ears.listener)

    async with _kept(file) as path:
        try:
            found = await answered(ears.do(lambda: find(path)), site)
        except FileError as error:
            raise HTTPException(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, error.reason) from None
    return found_alike(found)


async def answer_of(heard: "Outcome[Heard]", site: Site, *, top: int, detail: bool, waveform: bool) -> dict[str, Any]:
    """The answer for a file that was heard; 415 if it could not be."""
    if isinstance(heard, EarmarkError):
        raise HTTPException(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, heard.reason)
    answer = {
        **heard.analysis.as_json(top=top, detail=detail),
        "headline": str(heard.analysis.answer()),
        "track": await asyncio.to_thread(_in_library, site, heard.content),
    }
    return {**answer, "waveform": heard.outline.as_json()} if waveform else answer


def found_alike(found: Found) -> list[dict[str, Any]]:
    """Tracks that sound like one file; which file that is, whoever asked knows."""
    return [{name: value for name, value in each.as_json().items() if name != "like"} for each in found.tracks]


def _in_library(site: Site, content: str) -> int | None:
    """The id of a track of the library with this content; None if there is none."""
    if not site.catalogue.exists():
        return None
    with open_catalogue(site.catalogue) as opened:
        return next((state.id for state in opened.states_of(content) if not state.missing), None)


async def answered(future: "Future[T]", site: Site) -> T:
    """The result of some work.

    Raises:
        LateError: it takes longer than the server has patience.
        StoppedError: the server stops.
    """
    try:
        return await asyncio.wait_for(asyncio.wrap_future(future), site.patience)
    except TimeoutError:
        raise LateError("it could not be heard in time") from None
    except asyncio.CancelledError:
        if future.cancelled():  # before its turn came
            raise StoppedError("the server stops") from None
        raise


@asynccontextmanager
async def _kept(file: UploadFile) -> AsyncIterator[Path]:
    """Keep an upload as long as it is heard."""
    with tempfile.TemporaryDirectory(prefix="earmark-") as folder:
        # Of the name only a suffix that we know is used; all of it is text in the answer.
        suffix = Path(file.filename or "").suffix.lower()
        path = Path(folder, "upload" + (suffix if suffix in SUFFIXES else ""))
        await asyncio.to_thread(_keep, file, path)
        await file.close()  # which removes the other copy
        yield path


def _keep(file: UploadFile, path: Path) -> None:
    with path.open("xb") as kept:
        shutil.copyfileobj(file.file, kept)
