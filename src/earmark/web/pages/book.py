"""The addresses of the pages."""

from nicegui import ui

from earmark.web.jobs import Jobs
from earmark.web.pages import booth, library, listen, models, teach
from earmark.web.site import Site
from earmark.web.watching import Watches


def add(site: Site, jobs: Jobs, watches: Watches) -> None:
    """Add the pages to the application."""
    ui.page("/")(listen.draw)
    ui.page("/library")(lambda: library.draw(site, jobs, watches))
    ui.page("/teach")(lambda: teach.draw(site, jobs))
    ui.page("/booth")(lambda: booth.draw(site))
    ui.page("/models")(lambda: models.draw(site))
