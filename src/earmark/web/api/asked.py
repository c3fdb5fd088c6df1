"""Parts of the server that a request is answered with."""

from typing import Annotated

from fastapi import Depends, Request

from earmark.web.booth import Booth
from earmark.web.decoded import Decoded
from earmark.web.ears import Ears
from earmark.web.jobs import Jobs
from earmark.web.shelf import Shelf
from earmark.web.site import Site
from earmark.web.watching import Watches


def _site(request: Request) -> Site:
    site: Site = request.app.state.site
    return site


def _ears(request: Request) -> Ears:
    ears: Ears = request.app.state.ears
    return ears


def _jobs(request: Request) -> Jobs:
    jobs: Jobs = request.app.state.jobs
    return jobs


def _shelf(request: Request) -> Shelf:
    shelf: Shelf = request.app.state.shelf
    return shelf


def _booth(request: Request) -> Booth:
    booth: Booth = request.app.state.booth
    return booth


def _decoded(request: Request) -> Decoded:
    decoded: Decoded = request.app.state.decoded
    return decoded


def _watches(request: Request) -> Watches:
    watches: Watches = request.app.state.watches
    return watches


AskedSite = Annotated[Site, Depends(_site)]
AskedEars = Annotated[Ears, Depends(_ears)]
AskedJobs = Annotated[Jobs, Depends(_jobs)]
AskedShelf = Annotated[Shelf, Depends(_shelf)]
AskedBooth = Annotated[Booth, Depends(_booth)]
AskedDecoded = Annotated[Decoded, Depends(_decoded)]
AskedWatches = Annotated[Watches, Depends(_watches)]
