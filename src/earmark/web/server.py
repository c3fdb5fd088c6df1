"""The server: the pages and the API behind one door, until Ctrl-C."""

import threading
import webbrowser
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI
from nicegui import app as pages_app
from nicegui import ui

from earmark.web import api, pages
from earmark.web.booth import Booth
from earmark.web.ears import Ears
from earmark.web.guard import Guard
from earmark.web.jobs import Jobs
from earmark.web.site import Site
from earmark.web.static import STATIC
from earmark.web.watching import Watches
from earmark.web.works import works


def application(site: Site) -> FastAPI:
    """The application of a server: pages, API, door."""
    ears = Ears(lambda: site.model, site.waiting_limit)
    jobs = Jobs(site.jobs, works(site))
    booth = Booth(site)
    watches = Watches(site)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        watches.resume()
        yield
        watches.close()
        jobs.close()
        booth.close()
        ears.close()

    whole = FastAPI(lifespan=lifespan, openapi_url=None, docs_url=None, redoc_url=None)
    whole.mount("/api", api.application(site, ears, jobs, booth, watches))
    pages_app.add_static_files("/static", STATIC)
    pages.add(site, jobs, watches)
    ui.run_with(
        whole, title="earmark", language="en-US", dark=None, show_welcome_message=False, favicon=STATIC / "icon.svg"
    )
    whole.add_middleware(Guard, site=site)
    return whole


def serve(site: Site, *, browser: bool = True) -> None:
    """Serve until Ctrl-C.

    Args:
        site: the settings.
        browser: open the first page in the user's browser once the server is there.
    """
    settings = uvicorn.Config(
        application(site), host=site.host, port=site.port, log_level="warning", timeout_graceful_shutdown=3
    )
    if browser:
        threading.Timer(1.0, webbrowser.open, (site.address,)).start()
    uvicorn.Server(settings).run()
