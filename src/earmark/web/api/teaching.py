"""Reviewing what was heard, teaching a model by it, and choosing the model that hears."""

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query

from earmark.app.catalogue import open_catalogue
from earmark.app.reviewing import Corrections, queue
from earmark.web.api.asked import AskedJobs, AskedSite
from earmark.web.api.requests import CorrectionBody, ModelBody
from earmark.web.site import Site

router = APIRouter(tags=["teach"])


@router.get("/review", responses={404: {}})
def review(site: AskedSite, limit: Annotated[int, Query(ge=1, le=200)] = 20) -> list[dict[str, Any]]:
    """The tracks to review first, each with what it is expected to teach (0-1)."""
    with open_catalogue(site.catalogue) as opened:
        found = queue(opened, Corrections.of(site.catalogue), limit)
    return [{**track.as_json(), "gain": round(gain, 4)} for track, gain in found]


@router.get("/corrections")
def corrections(site: AskedSite) -> list[dict[str, Any]]:
    """What was said of tracks, in that order."""
    said = Corrections.of(site.catalogue).all().values()
    return [{**vars(each), "path": str(each.path)} for each in said]


@router.post("/corrections", responses={404: {}})
def correct(body: CorrectionBody, site: AskedSite) -> dict[str, Any]:
    """Say what a track is; "" takes back what was said. The answer is how much was said of each style."""
    with open_catalogue(site.catalogue) as opened:
        found = opened.by_ids([body.track])
    if not found:
        raise HTTPException(HTTPStatus.NOT_FOUND, f"there is no track {body.track} in the library")
    said = Corrections.of(site.catalogue)
    if body.style:
        said.add(found[0], body.style)
    else:
        said.remove(found[0].path)
    counts: dict[str, int] = {}
    for each in said.all().values():
        counts[each.style] = counts.get(each.style, 0) + 1
    return {"styles": counts}


@router.post("/teach", status_code=202)
def teach(jobs: AskedJobs) -> dict[str, Any]:
    """Begin to teach a model by what was said; its result compares it with what was heard before."""
    return jobs.ask("teach", {}).as_json()


@router.get("/model")
def model(site: AskedSite) -> dict[str, str]:
    """The model that hears, and the one before it."""
    return _models(site)


@router.post("/model")
def choose(body: ModelBody, site: AskedSite) -> dict[str, str]:
    """Let another model hear from now on; "" goes back to the one before."""
    site.choose(body.model or site.choice.before)
    return _models(site)


def _models(site: Site) -> dict[str, str]:
    return {"model": site.model, "before": site.choice.before}
