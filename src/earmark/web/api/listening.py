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

from earmark.app.explaining import explain
from earmark.errors import EarmarkError, FileError
from earmark.web.api.asked import AskedEars, AskedSite
from earmark.web.site import Site
from earmark.web.waveform import BINS, outline

if TYPE_CHECKING:
    from concurrent.futures import Future

router = APIRouter(tags=["listen"])

T = TypeVar("T")


@router.post("/listen", responses={415: {}, 429: {}, 504: {}})
async def listen(
    file: UploadFile,
    site: AskedSite,
    ears: AskedEars,
    top: Annotated[int, Query(ge=1, le=100)] = 3,
    detail: Annotated[bool, Query(description="every beat, and the loudness of every second")] = False,
    waveform: Annotated[bool, Query(description="peaks from 0 to 255, `bins` of them in a second")] = False,
) -> dict[str, Any]:
    """Say which style a file is, as `earmark listen --json` does; the file is deleted when the answer is there."""
    async with _kept(file) as path:
        outcome = await answered(ears.hear(path), site)
        if isinstance(outcome, EarmarkError):
            raise HTTPException(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, outcome.reason)
        peaks = await asyncio.to_thread(_waveform, path) if waveform else {}
    answer = outcome.as_json(top=top, detail=detail)
    return {**answer, "path": file.filename or "", "headline": str(outcome.answer()), **peaks}


@router.post("/why", responses={415: {}, 422: {}, 429: {}, 504: {}})
async def why(file: UploadFile, site: AskedSite, ears: AskedEars, style: str = "") -> dict[str, Any]:
    """Tell which seconds and bands of a file decided for a style; by default for that of the answer."""
    async with _kept(file) as path:
        try:
            found = await answered(ears.do(lambda: explain(path, site.model, style)), site)
        except FileError as error:
            raise HTTPException(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, error.reason) from None
    return found.as_json()


async def answered(future: "Future[T]", site: Site) -> T:
    """The result of some work; 504 if it takes longer than the server has patience."""
    try:
        return await asyncio.wait_for(asyncio.wrap_future(future), site.patience)
    except TimeoutError:
        raise HTTPException(HTTPStatus.GATEWAY_TIMEOUT, "it could not be heard in time") from None


@asynccontextmanager
async def _kept(file: UploadFile) -> AsyncIterator[Path]:
    """Keep an upload as long as it is heard."""
    with tempfile.TemporaryDirectory(prefix="earmark-") as folder:
        # Only the suffix of the name is used, and the name as text in the answer.
        path = Path(folder, "upload").with_suffix(Path(Path(file.filename or "").name).suffix[:12])
        await asyncio.to_thread(_keep, file, path)
        yield path


def _waveform(path: Path) -> dict[str, Any]:
    return {"waveform": {"bins": BINS, "peaks": outline(path, 0).tolist()}}


def _keep(file: UploadFile, path: Path) -> None:
    with path.open("xb") as kept:
        shutil.copyfileobj(file.file, kept)
