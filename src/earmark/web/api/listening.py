"""Hearing files that are sent."""

import asyncio
import shutil
import tempfile
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query, UploadFile

from earmark.errors import EarmarkError
from earmark.web.api.asked import AskedEars, AskedSite
from earmark.web.waveform import BINS, outline

router = APIRouter(tags=["listen"])


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
    with tempfile.TemporaryDirectory(prefix="earmark-") as folder:
        # Only the suffix of the name is used, and the name as text in the answer.
        path = Path(folder, "upload").with_suffix(Path(Path(file.filename or "").name).suffix[:12])
        await asyncio.to_thread(_keep, file, path)
        future = ears.hear(path)
        try:
            outcome = await asyncio.wait_for(asyncio.wrap_future(future), site.patience)
        except TimeoutError:
            raise HTTPException(HTTPStatus.GATEWAY_TIMEOUT, "it could not be heard in time") from None
        if isinstance(outcome, EarmarkError):
            raise HTTPException(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, outcome.reason)
        peaks = await asyncio.to_thread(_waveform, path) if waveform else {}
    answer = outcome.as_json(top=top, detail=detail)
    return {**answer, "path": file.filename or "", "headline": str(outcome.answer()), **peaks}


def _waveform(path: Path) -> dict[str, Any]:
    return {"waveform": {"bins": BINS, "peaks": outline(path, 0).tolist()}}


def _keep(file: UploadFile, path: Path) -> None:
    with path.open("xb") as kept:
        shutil.copyfileobj(file.file, kept)
