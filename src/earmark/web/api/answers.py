"""Answers of the API: JSON, and errors as JSON.

Status codes: 400 a request that cannot be understood, 401 no token, 403 not allowed, 404 not there, 413 too long,
415 no audio, 422 a value that cannot be, 429 too many wait, 503 the server stops, 504 not in time, 507 a full disk.
"""

import errno
import json
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Final

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from earmark.errors import CatalogueError, EarmarkError, UnreadableAudio
from earmark.runner import StoppedError
from earmark.web.ears import BusyError, LateError
from earmark.web.jobs import FullError
from earmark.web.site import RETRY_AFTER

STATUS: Final[tuple[tuple[type[EarmarkError], HTTPStatus], ...]] = (
    (BusyError, HTTPStatus.TOO_MANY_REQUESTS),
    (FullError, HTTPStatus.TOO_MANY_REQUESTS),
    (LateError, HTTPStatus.GATEWAY_TIMEOUT),
    (StoppedError, HTTPStatus.SERVICE_UNAVAILABLE),
    (UnreadableAudio, HTTPStatus.UNSUPPORTED_MEDIA_TYPE),
    (EarmarkError, HTTPStatus.UNPROCESSABLE_ENTITY),
)
NO_ROOM: Final = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))
FAULT: Final = "earmark itself failed over this; the terminal in which it runs shows where"


class AsciiJSON(JSONResponse):
    """JSON in ASCII: a file name that is no text has lone surrogates, which JSON can escape and UTF-8 cannot carry."""

    def render(self, content: object) -> bytes:
        """The bytes of the answer."""
        return json.dumps(content, allow_nan=False, separators=(",", ":")).encode()


def answer_errors(api: FastAPI) -> None:
    """Have an application answer errors with their reason."""
    for kind, status in STATUS:
        api.add_exception_handler(kind, _answering(status))
    api.add_exception_handler(CatalogueError, _answer_catalogue_error)
    api.add_exception_handler(OSError, _answer_os_error)
    api.add_exception_handler(Exception, _answer_fault)


def _answering(status: HTTPStatus) -> Callable[[Request, Exception], Awaitable[JSONResponse]]:
    async def answer(_: Request, error: Exception) -> JSONResponse:
        headers = {"retry-after": str(RETRY_AFTER)} if status is HTTPStatus.TOO_MANY_REQUESTS else None
        return AsciiJSON({"detail": str(error)}, status, headers)

    return answer


async def _answer_catalogue_error(request: Request, error: Exception) -> JSONResponse:
    there = request.app.state.site.catalogue.exists()
    return AsciiJSON({"detail": str(error)}, HTTPStatus.UNPROCESSABLE_ENTITY if there else HTTPStatus.NOT_FOUND)


async def _answer_os_error(_: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, OSError):
        raise error
    full = error.errno in NO_ROOM
    status = HTTPStatus.INSUFFICIENT_STORAGE if full else HTTPStatus.INTERNAL_SERVER_ERROR
    place = f"{error.filename}: " if error.filename else ""
    return AsciiJSON({"detail": f"{place}{error.strerror or error}"}, status)


async def _answer_fault(_: Request, __: Exception) -> JSONResponse:
    return AsciiJSON({"detail": FAULT}, HTTPStatus.INTERNAL_SERVER_ERROR)
