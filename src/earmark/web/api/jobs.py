"""Long work: begun, watched, cancelled."""

import asyncio
import json
from collections.abc import AsyncIterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

from fastapi import APIRouter, HTTPException
from fastapi.responses import StreamingResponse

from earmark import files
from earmark.web.api.asked import AskedJobs, AskedSite, AskedWatches
from earmark.web.api.requests import ScanBody, WatchBody
from earmark.web.jobs import ACTIVE, Job, Jobs
from earmark.web.site import Site

router = APIRouter(tags=["jobs"])

INTERVAL = 0.25  # seconds between two looks at a job


@router.post("/scan", status_code=202, responses={403: {}})
def scan(body: ScanBody, site: AskedSite, jobs: AskedJobs) -> dict[str, Any]:
    """Begin to hear what is new in a folder of the library."""
    _permitted(body.folder, site)
    return jobs.ask("scan", body.model_dump()).as_json()


@router.get("/watch")
def watched(watches: AskedWatches) -> list[dict[str, Any]]:
    """The folders that are watched as long as the server runs, and what was found in them since."""
    return [each.as_json() for each in watches.all()]


@router.post("/watch", responses={403: {}, 404: {}})
def watch(body: WatchBody, site: AskedSite, watches: AskedWatches) -> dict[str, Any]:
    """Watch a folder of the library: what comes into it is heard, until that is ended; after a restart as well."""
    folder = _permitted(body.folder, site)
    if not folder.is_dir():
        raise HTTPException(HTTPStatus.NOT_FOUND, "there is no such folder")
    return watches.begin(folder).as_json()


@router.delete("/watch", responses={403: {}})
def end(folder: str, site: AskedSite, watches: AskedWatches) -> list[dict[str, Any]]:
    """Watch a folder no longer; the answer is the folders that still are."""
    watches.end(_permitted(folder, site))
    return watched(watches)


@router.get("/jobs")
def jobs(work: AskedJobs) -> list[dict[str, Any]]:
    """The jobs, the latest first."""
    return [job.as_json() for job in work.all()]


@router.get("/jobs/{name}", responses={404: {}})
def job(name: str, work: AskedJobs) -> dict[str, Any]:
    """A job as it stands now."""
    return _job(work, name).as_json()


@router.get("/jobs/{name}/events", response_class=StreamingResponse, responses={404: {}})
async def events(name: str, work: AskedJobs) -> StreamingResponse:
    """A job as it goes on: server-sent events, each the job in JSON, until it has ended."""
    _job(work, name)
    return StreamingResponse(_events(work, name), media_type="text/event-stream")


@router.delete("/jobs/{name}", responses={404: {}})
def cancel(name: str, work: AskedJobs) -> dict[str, Any]:
    """Have a job stop; what is done stays done."""
    _job(work, name)
    work.cancel(name)
    return _job(work, name).as_json()


async def _events(work: Jobs, name: str) -> AsyncIterator[str]:
    told = None
    while (now := work.get(name)) is not None and not work.closed:
        if now != told:
            yield f"data: {json.dumps(now.as_json())}\n\n"
            told = now
        if now.state not in ACTIVE:
            return
        await asyncio.sleep(INTERVAL)


def _permitted(folder: str, site: Site) -> Path:
    place = files.absolute(folder)  # one folder, one name
    if not site.may_scan(place):
        raise HTTPException(HTTPStatus.FORBIDDEN, "this folder is none of those that `earmark serve` was given")
    return place


def _job(work: Jobs, name: str) -> Job:
    found = work.get(name)
    if found is None:
        raise HTTPException(HTTPStatus.NOT_FOUND, "there is no such job")
    return found
