"""The addresses of the pages."""

from nicegui import ui

from earmark.web.ears import Ears
from earmark.web.jobs import Jobs
from earmark.web.pages import booth, library, listen, models, teach
from earmark.web.site import Site


def add(site: Site, ears: Ears, jobs: Jobs) -> None:  # noqa: ARG001  ears: the pages ask the API
    """Add the pages to the application."""
    ui.page("/")(listen.draw)
    ui.page("/library")(lambda: library.draw(site, jobs))
    ui.page("/teach")(lambda: teach.draw(site, jobs))
    ui.page("/booth")(lambda: booth.draw(site))
    ui.page("/models")(lambda: models.draw(site))
