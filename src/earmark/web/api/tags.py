"""Tags of tracks of the library: the changes, writing them, undoing them."""

from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from earmark.library.tags import Journal
from earmark.web import works
from earmark.web.api.answers import AsciiJSON
from earmark.web.api.asked import AskedJobs, AskedSite
from earmark.web.api.requests import AuditBody, TagBody, UndoBody

router = APIRouter(tags=["tags"])


@router.post("/tag", responses={202: {}, 404: {}})
def tag(body: TagBody, site: AskedSite, jobs: AskedJobs) -> JSONResponse:
    """Tell the changes of tags, or with `write` begin to write them: then the answer is a job."""
    arguments = body.model_dump(exclude={"write"})
    works.settings(arguments)
    if not body.write:
        return AsciiJSON({"differences": works.differences(site, arguments)})
    works.paths_of(site, body.tracks)
    return AsciiJSON(jobs.ask("tag", arguments).as_json(), 202)


@router.get("/runs")
def runs() -> list[dict[str, Any]]:
    """The runs that wrote tags, the latest first."""
    return [{"name": run.name, "files": run.files, "undone": run.undone} for run in Journal().runs()]


@router.post("/undo", status_code=202, responses={404: {}})
def undo(body: UndoBody, jobs: AskedJobs) -> dict[str, Any]:
    """Begin to restore the files of a run, byte for byte."""
    return jobs.ask("undo", body.model_dump()).as_json()


@router.post("/audit", status_code=202, responses={404: {}})
def audit(body: AuditBody, jobs: AskedJobs) -> dict[str, Any]:
    """Begin to look for doubtful genre tags and the same recording more than once."""
    return jobs.ask("audit", body.model_dump()).as_json()
