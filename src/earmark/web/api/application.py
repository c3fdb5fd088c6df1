"""The API as an application of its own."""

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline

from earmark import __version__
from earmark.web.api import booth as turns
from earmark.web.api import files, jobs, listening, models, tags, teaching, together, tracks
from earmark.web.api.answers import AsciiJSON, answer_errors
from earmark.web.booth import Booth
from earmark.web.decoded import Decoded
from earmark.web.ears import Ears
from earmark.web.jobs import Jobs
from earmark.web.shelf import Shelf
from earmark.web.site import Site
from earmark.web.watching import Watches


def application(site: Site, ears: Ears, work: Jobs, booth: Booth, watches: Watches, decoded: Decoded) -> FastAPI:
    """The API of a server.

    Args:
        site: the settings.
        ears: hear uploads.
        work: the long work.
        booth: the session back to back.
        watches: the folders that are watched.
        decoded: tracks as WAV.
    """
    api = FastAPIOffline(
        title="earmark",
        version=__version__,
        description="Which style is it? The same answers as the command line.",
        default_response_class=AsciiJSON,
    )
    api.state.booth, api.state.watches, api.state.decoded = booth, watches, decoded
    api.state.site, api.state.ears, api.state.jobs, api.state.shelf = site, ears, work, Shelf(site.catalogue)
    for rooms in (listening, files, tracks, together, turns, tags, teaching, jobs, models):
        api.include_router(rooms.router)
    answer_errors(api)
    return api
