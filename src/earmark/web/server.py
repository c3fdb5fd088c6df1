"""The server: the pages and the API behind one door, until Ctrl-C."""

import logging
import socket
import threading
import time
import webbrowser
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

import uvicorn
from fastapi import FastAPI
from nicegui import app as pages_app
from nicegui import ui

from earmark import runner
from earmark.web import api, pages
from earmark.web.alone import alone
from earmark.web.booth import Booth
from earmark.web.decoded import Decoded
from earmark.web.ears import Ears
from earmark.web.guard import Guard
from earmark.web.jobs import Jobs
from earmark.web.site import Site
from earmark.web.static import STATIC
from earmark.web.watching import Watches
from earmark.web.works import works

GRACE: Final = 2  # seconds for what is under way when the server stops


def application(site: Site) -> FastAPI:
    """The application of a server: pages, API, door."""
    ears = Ears(lambda: site.model, site.waiting_limit, patience=site.patience)
    jobs = Jobs(site.jobs, works(site))
    booth = Booth(site)
    watches = Watches(site)
    decoded = Decoded(site.catalogue.with_name(site.catalogue.stem + ".decoded"))

    def stop() -> None:
        watches.close()
        jobs.close()
        ears.stop()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        watches.resume()
        yield
        stop()
        jobs.wait(GRACE)
        watches.wait(GRACE)
        booth.close()
        ears.close()
        decoded.close()

    whole = FastAPI(lifespan=lifespan, openapi_url=None, docs_url=None, redoc_url=None)
    whole.mount("/api", api.application(site, ears, jobs, booth, watches, decoded))
    pages_app.add_static_files("/static", STATIC, max_cache_age=0)  # scripts of two versions do not go together
    pages.add(site, jobs, watches)
    ui.run_with(
        whole, title="earmark", language="en-US", dark=None, show_welcome_message=False, favicon=STATIC / "icon.svg"
    )
    whole.add_middleware(Guard, site=site)
    whole.state.stop = stop
    return whole


def serve(site: Site, *, browser: bool = True) -> None:
    """Serve until Ctrl-C.

    Args:
        site: the settings.
        browser: open the first page in the user's browser once the server is there.

    Raises:
        EarmarkError: another server has the catalogue.
    """
    with alone(site.catalogue):
        _serve(site, browser=browser)


def _serve(site: Site, *, browser: bool) -> None:
    whole = application(site)
    settings = uvicorn.Config(
        whole, host=site.host, port=site.port, log_level="warning", timeout_graceful_shutdown=GRACE
    )
    server = _Server(settings, whole.state.stop)
    if browser:
        threading.Thread(target=_show, args=(server, site.address), daemon=True).start()
    server.run()


class _Server(uvicorn.Server):
    """A server that ends its work before it waits for the requests that ask for it."""

    def __init__(self, settings: uvicorn.Config, stop: Callable[[], None]) -> None:
        super().__init__(settings)
        self._stop = stop

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop, as Ctrl-C asks for."""
        self._stop()
        runner.stop()
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)  # what is cut off now is no news
        await super().shutdown(sockets)


def _show(server: uvicorn.Server, address: str) -> None:
    while not server.started:
        time.sleep(0.05)
    webbrowser.open(address)
