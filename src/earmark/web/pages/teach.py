"""The page on which the user says what tracks are, and a model is taught by it."""

from pathlib import Path
from typing import Any

from nicegui import ui
from nicegui.element import Element

from earmark.errors import EarmarkError
from earmark.styles import styles
from earmark.web.jobs import ACTIVE, FullError, Jobs, State
from earmark.web.names import legible
from earmark.web.pages.frame import button, colours, complain, enable, frame
from earmark.web.site import Site
from earmark.web.static import STATIC


class ReviewBoard(Element, component=STATIC / "review_board.js"):
    """The tracks that would teach the most, one after the other."""

    def __init__(self) -> None:
        super().__init__()
        self._props["colours"] = colours()
        self._props["styles"] = [style.label for style in styles()]


class Lessons:
    """Teaching, comparing, switching, and going back.

    Args:
        site: the settings of the server.
        jobs: the long work.
    """

    def __init__(self, site: Site, jobs: Jobs) -> None:
        self._site, self._jobs = site, jobs
        self._job = ""
        self._fresh = ""

    def draw(self) -> None:
        """Draw what stands below the review."""
        with ui.element("section").classes("em-card"):
            self._model = ui.label("")
            with ui.element("div").classes("em-row"):
                button("Teach a model", self._teach, strong=True)
                self._switch = button("Use it from now on", self._use)
                self._back = button("Go back to the one before", self._go_back)
            self._news = ui.label("").props("role=status")
        enable(self._switch, enabled=False)
        self._tell_model()
        ui.timer(1.0, self._follow)

    def _tell_model(self) -> None:
        before = self._site.choice.before
        self._model.text = f"{self._site.model} hears now." + (f" Before: {before}." if before else "")
        enable(self._back, enabled=bool(before))

    def _teach(self) -> None:
        try:
            self._job = self._jobs.ask("teach", {}).id
        except FullError as error:
            complain(error)

    def _use(self) -> None:
        self._choose(self._fresh)
        enable(self._switch, enabled=False)

    def _go_back(self) -> None:
        self._choose(self._site.choice.before)

    def _choose(self, name: str) -> None:
        try:
            self._site.choose(name)
        except EarmarkError as error:
            complain(error)
        self._tell_model()

    def _follow(self) -> None:
        job = self._jobs.get(self._job)
        if job is None:
            return
        if job.state in ACTIVE:
            self._news.text = f"hearing: {job.done} of {job.total}" if job.total else "teaching …"
            return
        self._job = ""
        self._news.text = compared(job.result) if job.state is State.DONE else legible(job.error or job.state)
        if job.state is State.DONE and job.result["model"]:
            self._fresh = Path(job.result["model"]).name
            enable(self._switch, enabled=True)


def compared(lesson: dict[str, Any]) -> str:
    """The new model beside what was heard before, in a sentence."""
    if not lesson["tracks"]:
        figures = "Nothing can be measured yet: say of tracks by more artists what they are."
    else:
        figures = (
            f"On {lesson['tracks']} tracks whose artists it had not heard, the new model is right {lesson['right']} "
            f"times, and what was heard before {lesson['before']} times."
        )
    return f"{figures} Not usable yet: {lesson['reason']}." if lesson["reason"] else figures


def draw(site: Site, jobs: Jobs) -> None:
    """Draw the page."""
    with frame("/teach"):
        ReviewBoard()
        Lessons(site, jobs).draw()
