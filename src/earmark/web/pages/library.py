"""The page of the library: a table of all tracks, with what can be done with them."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from nicegui import events, run, ui
from nicegui.element import Element

from earmark.errors import EarmarkError
from earmark.library.exports import FORMATS
from earmark.web import works
from earmark.web.jobs import ACTIVE, FullError, Job, Jobs, State
from earmark.web.names import legible
from earmark.web.pages import table
from earmark.web.pages.frame import button, colours, complain, enable, frame
from earmark.web.site import Site
from earmark.web.static import STATIC
from earmark.web.watching import Watched, Watches

T = TypeVar("T")

LISTED = 100  # tracks whose changes of tags are shown

FILES = {form.name: "earmark" + form.suffix for form in FORMATS.values() if form.suffix and form.name != "parquet"}
REFRESH = 10  # files that are heard between two looks at the table


class TrackPanel(Element, component=STATIC / "track_panel.js"):
    """The track that was chosen: what was heard, its waveform, its sound."""

    def __init__(self) -> None:
        super().__init__()
        self._props["colours"] = colours()
        self._props["track"] = 0
        self._props["dock"] = True

    def show(self, number: int, *, play: bool = False) -> None:
        """Show a track of the library, and play it."""
        self._props["track"] = number
        self.update()
        if play:
            self.run_method("play", number)


class StyleMap(Element, component=STATIC / "style_map.js"):
    """The library as points: near means alike, the colour is the style."""

    def __init__(self) -> None:
        super().__init__()
        self._props["colours"] = colours()
        self._props["chosen"] = 0

    def show(self, number: int) -> None:
        """Mark a track."""
        self._props["chosen"] = number
        self.update()


class AuditList(Element, component=STATIC / "audit_list.js"):
    """Doubtful genre tags, and recordings that are there more than once."""

    def __init__(self) -> None:
        super().__init__()
        self._props["found"] = None

    def show(self, found: dict[str, Any]) -> None:
        """Show what an audit found, JSON."""
        self._props["found"] = legible(found)
        self.update()


class Shelves:
    """The page: filters, table, the chosen track, and the work on it.

    Args:
        site: the settings of the server.
        jobs: the long work.
        watches: the folders that are watched.
    """

    def __init__(self, site: Site, jobs: Jobs, watches: Watches) -> None:
        self._site, self._jobs, self._watches = site, jobs, watches
        self._chosen: list[int] = []
        self._told: set[str] = set()
        self._running, self._done = "", 0
        self._seen = sum(each.found for each in watches.all())

    def draw(self) -> None:
        """Draw the page."""
        ui.add_head_html('<script src="/static/library.js"></script>')
        with frame("/library"):
            self._draw_scan()
            table.draw_filters(self._site)
            ui.html('<p id="em-count" class="em-status" role="status"></p>', sanitize=False)
            with ui.element("div").classes("em-shelf"):
                self._grid = ui.aggrid(table.options(), auto_size_columns=False).classes("em-grid w-full")
                self._map = StyleMap()
            self._grid.on("selectionChanged", self._choose)
            self._grid.on("cellDoubleClicked", self._play, args=["data"])
            self._map.on("choose", self._show)
            self._map.on("lasso", self._gather)
            self._draw_tags()
            self._audit = AuditList()
            self._panel = TrackPanel()
            self._panel.on("choose", self._show)
            ui.timer(1.0, self._follow)

    def _draw_scan(self) -> None:
        with ui.row().classes("items-center"):
            self._folder = ui.select(_names(self._site.folders), value=str(self._site.folders[0]), label="folder")
            button("Scan", self._scan, strong=True)
            self._box = ui.checkbox("keep watching", on_change=lambda event: self._watch(on=bool(event.value)))
            self._folder.on_value_change(self._show_watched)
            button("Audit", lambda: self._ask("audit", {}))
            button("Arrange the map", lambda: self._ask("arrange", {}))
            self._progress = ui.linear_progress(0, show_value=False).props('aria-label="progress"').classes("w-40")
            self._stop = button("Stop", self._cancel)
            self._progress.visible = self._stop.visible = False
            self._news = ui.label("").props("role=status")
        self._watched = ui.label("").props("role=status").classes("em-status")
        self._show_watched()

    def _draw_tags(self) -> None:
        with ui.element("div").classes("em-row"):
            button("Show changes of tags", self._differ)
            self._write = button("Write them", self._tag, strong=True)
            button("Undo the last run", self._undo)
            enable(self._write, enabled=False)
            self._form = ui.select(list(FILES), value="m3u8", label="format").props('aria-label="format"')
            button("Export them", self._export)
            self._number = ui.label("").props("role=status")
        self._differences = ui.element("div")

    async def _choose(self, _: events.GenericEventArguments) -> None:
        try:
            rows = await self._grid.run_grid_method("getSelectedRows", timeout=10)
        except TimeoutError:  # the page is gone
            return
        self._take([row["id"] for row in rows])
        if self._chosen:
            self._look(self._chosen[-1])

    def _take(self, tracks: list[int]) -> None:
        """Choose tracks for what the buttons do."""
        self._chosen = tracks
        self._differences.clear()
        enable(self._write, enabled=False)
        self._number.text = f"{len(tracks)} chosen" if tracks else ""

    def _look(self, number: int, *, play: bool = False) -> None:
        self._panel.show(number, play=play)
        self._map.show(number)

    def _show(self, event: events.GenericEventArguments) -> None:
        self._take([int(event.args)])
        self._look(int(event.args), play=True)

    def _play(self, event: events.GenericEventArguments) -> None:
        self._look(int(event.args["data"]["id"]), play=True)

    def _gather(self, event: events.GenericEventArguments) -> None:
        self._take([int(each) for each in event.args])

    async def _export(self) -> None:
        form: str = self._form.value
        content = await self._of_chosen(lambda tracks: works.exported(self._site, tracks, form))
        if content is not None:
            ui.download.content(content, FILES[form])

    async def _of_chosen(self, work: Callable[[list[int]], T]) -> T | None:
        """The result of some work on the tracks that are chosen, while the server goes on; None if there is none."""
        chosen = self._chosen
        if not chosen:
            ui.notify("choose one or several tracks first")
            return None
        try:
            found: T | None = await run.io_bound(work, chosen)
        except EarmarkError as error:
            complain(error)
            return None
        return found if chosen is self._chosen else None

    def _scan(self) -> None:
        self._ask("scan", {"folder": self._folder.value})

    def _watch(self, *, on: bool) -> None:
        """Have the server watch the folder, or watch it no longer."""
        folder = Path(self._folder.value)
        if on:
            self._watches.begin(folder)
        else:
            self._watches.end(folder)
        self._show_watched()

    def _show_watched(self) -> None:
        """Tell of the folders that are watched; show what came of it."""
        watched = self._watches.all()
        self._box.value = self._folder.value in [each.folder for each in watched]
        self._watched.text = "; ".join(map(told, watched))
        found = sum(each.found for each in watched)
        if found > self._seen:
            self._grid.run_grid_method("purgeInfiniteCache")
        self._seen = found

    def _tag(self) -> None:
        self._ask("tag", {"tracks": self._chosen})
        enable(self._write, enabled=False)

    def _undo(self) -> None:
        self._ask("undo", {})

    async def _differ(self) -> None:
        self._differences.clear()
        found = await self._of_chosen(lambda tracks: works.differences(self._site, {"tracks": tracks})) or []
        with self._differences:
            for each in legible(found[:LISTED]):
                ui.label(each["path"]).classes("font-bold")
                for line in _lines(each):
                    ui.label(line)
            if len(found) > LISTED:
                ui.label(f"and {len(found) - LISTED} more tracks")
        if any(each["changes"] for each in found):
            enable(self._write, enabled=True)

    def _ask(self, kind: str, arguments: dict[str, Any]) -> None:
        try:
            job = self._jobs.ask(kind, arguments)
        except FullError as error:
            complain(error)
            return
        self._told.add(job.id)

    def _cancel(self) -> None:
        """Have the job that is shown stop at its next step."""
        if self._jobs.get(self._running):
            self._jobs.cancel(self._running)
            self._told.add(self._running)  # it may be another page's

    def _follow(self) -> None:
        """Show what has come of the jobs that this page asked for, and how far the one is that runs."""
        self._show_watched()
        for name in list(self._told):
            done = self._jobs.get(name)
            if done is None or done.state not in ACTIVE:
                self._told.discard(name)
                if done is not None:
                    self._tell(done)
        active = [job for job in self._jobs.all() if job.state in ACTIVE]
        self._progress.visible = bool(active)
        self._stop.visible = bool(active and active[-1].total)  # work that counts no steps stops at none
        if active:
            self._tell_progress(active[-1])  # they have their turn in the order in which they were asked for

    def _tell(self, done: Job) -> None:
        """Show the result of a job."""
        self._news.text = legible(f"{done.kind}: {done.error or _summary(done.result)}")
        if done.state is State.CANCELLED:
            self._news.text = f"{done.kind}: stopped{f' at {_steps(done)}' if done.total else ''}"
        self._grid.run_grid_method("purgeInfiniteCache")
        self._map.run_method("load")
        if done.kind == "audit" and done.result:
            self._audit.show(done.result)
            self._news.text = "audit: done"

    def _tell_progress(self, job: Job) -> None:
        """Show how far a job is; the table fills while it scans."""
        if job.kind == "scan" and job.done // REFRESH != self._done // REFRESH:
            self._grid.run_grid_method("refreshInfiniteCache")
        self._done = job.done if job.kind == "scan" else 0
        self._running = job.id
        self._progress.value = job.done / job.total if job.total else 0
        left = f", {job.left:.0f} s left" if job.left is not None else ""
        self._news.text = f"{job.kind}: {_steps(job)}{left}" if job.total else job.kind


def draw(site: Site, jobs: Jobs, watches: Watches) -> None:
    """Draw the page."""
    Shelves(site, jobs, watches).draw()


def told(watched: Watched) -> str:
    """A folder that is watched, in a line.

    >>> told(Watched("/music", 2, "b.mp3"))
    'watching /music: 2 files came or changed, the last one b.mp3'
    """
    files = f"{watched.found} file{'' if watched.found == 1 else 's'} came or changed, the last one {watched.last}"
    parts = [files if watched.found else "nothing new yet", *([watched.problem] if watched.problem else [])]
    return legible(f"watching {watched.folder}: {'; '.join(parts)}")


def _steps(job: Job) -> str:
    return f"{job.done} of {job.total} {job.unit}"


def _names(folders: Sequence[Path]) -> dict[str, str]:
    """Names of folders for people, by their paths: the last part where that is of one folder alone."""
    last = [folder.name for folder in folders]
    shown = (each.name if last.count(each.name) == 1 and each.name else str(each) for each in folders)
    return {str(each): legible(name) for each, name in zip(folders, shown, strict=True)}


def _lines(difference: dict[str, Any]) -> list[str]:
    if difference["refused"]:
        return [difference["refused"]]
    if not difference["changes"]:
        return ["its tags say what was heard already"]
    return [
        f"{each['field']}: {'; '.join(each['before']) or 'empty'} → {'; '.join(each['after'])}"
        for each in difference["changes"]
    ]


def _summary(result: Any) -> str:  # noqa: ANN401  the result of any kind of work
    """The numbers of a result in words."""
    if not isinstance(result, dict):
        return "done"
    return (
        ", ".join(f"{value} {name}" for name, value in result.items() if isinstance(value, int) and value)
        or "nothing new"
    )
