"""The API as an application of its own, and how its errors are told.

Status codes: 400 a request that cannot be understood, 401 no token, 403 not allowed, 404 not there, 413 too long,
415 no audio, 422 a value that cannot be, 429 too many wait, 504 no answer in time.
"""

from collections.abc import Awaitable, Callable
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from fastapi_offline import FastAPIOffline

from earmark import __version__
from earmark.errors import CatalogueError, EarmarkError, UnreadableAudio
from earmark.web.api import booth as turns
from earmark.web.api import files, jobs, listening, models, tags, teaching, together, tracks
from earmark.web.booth import Booth
from earmark.web.decoded import Decoded
from earmark.web.ears import BusyError, Ears
from earmark.web.jobs import FullError, Jobs
from earmark.web.shelf import Shelf
from earmark.web.site import Site
from earmark.web.watching import Watches

STATUS: tuple[tuple[type[EarmarkError], HTTPStatus], ...] = (
    (BusyError, HTTPStatus.TOO_MANY_REQUESTS),
    (FullError, HTTPStatus.TOO_MANY_REQUESTS),
    (UnreadableAudio, HTTPStatus.UNSUPPORTED_MEDIA_TYPE),
    (CatalogueError, HTTPStatus.NOT_FOUND),
    (EarmarkError, HTTPStatus.UNPROCESSABLE_ENTITY),
)


def application(site: Site, ears: Ears, work: Jobs, booth: Booth, watches: Watches) -> FastAPI:
    """The API of a server.

    Args:
        site: the settings.
        ears: hear uploads.
        work: the long work.
        booth: the session back to back.
        watches: the folders that are watched.
    """
    api = FastAPIOffline(
        title="earmark",
        version=__version__,
        description="Which style is it? The same answers as the command line.",
    )
    api.state.booth, api.state.watches, api.state.decoded = booth, watches, Decoded()
    api.state.site, api.state.ears, api.state.jobs, api.state.shelf = site, ears, work, Shelf(site.catalogue)
    for rooms in (listening, files, tracks, together, turns, tags, teaching, jobs, models):
        api.include_router(rooms.router)
    for kind, status in STATUS:
        api.add_exception_handler(kind, _answering(status))
    return api


def _answering(status: HTTPStatus) -> Callable[[Request, Exception], Awaitable[JSONResponse]]:
    async def answer(_: Request, error: Exception) -> JSONResponse:
        headers = {"retry-after": "5"} if status is HTTPStatus.TOO_MANY_REQUESTS else None
        return JSONResponse({"detail": str(error)}, status, headers)

    return answer
