"""Tracks of the library together: alike, on a map, as a set, as a file for another program."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query, Response
from fastapi.responses import FileResponse

from earmark.app.catalogue import open_catalogue
from earmark.app.query import style_named
from earmark.app.sets import make_set
from earmark.app.similar import similar
from earmark.app.taste import known_taste, recommend
from earmark.library.exports import FORMATS
from earmark.web.api.asked import AskedJobs, AskedShelf, AskedSite
from earmark.web.api.requests import ExportBody, MixBody, SetBody
from earmark.web.jobs import ACTIVE, Jobs
from earmark.web.mixes import RenderedMix, mixes
from earmark.web.site import Site
from earmark.web.works import arranged_map, exported, mixes_folder, paths_of

router = APIRouter(tags=["together"])


@router.get("/tracks/{number}/similar", responses={404: {}})
def alike(
    number: int,
    site: AskedSite,
    limit: Annotated[int, Query(ge=1, le=100)] = 10,
    variety: Annotated[float, Query(ge=0, le=1)] = 0.0,
    one_per_artist: bool = False,
) -> list[dict[str, Any]]:
    """Tracks that sound like one, the most alike first, and why."""
    if not 0 < number < 2**63:
        raise HTTPException(HTTPStatus.NOT_FOUND, f"there is no track {number} in the library")
    (path,) = paths_of(site, [number])
    with open_catalogue(site.catalogue) as opened:
        found = similar(opened, [str(path)], limit=limit, variety=variety, one_per_artist=one_per_artist)
    return [each.as_json() for each in found.tracks]


@router.get("/map", response_class=Response, responses={200: {"content": {"application/json": {}}}, 404: {}})
def points(site: AskedSite, shelf: AskedShelf) -> Response:
    """Points of all tracks on a plane, near to those that sound alike."""
    return Response(shelf.map(arranged_map(site)), media_type="application/json")


@router.post("/map", status_code=202)
def arrange(jobs: AskedJobs) -> dict[str, Any]:
    """Begin to arrange the map so that neighbours in sound are neighbours on it."""
    return jobs.ask("arrange", {}).as_json()


@router.post("/set", responses={404: {}})
def plan(body: SetBody, site: AskedSite) -> dict[str, Any]:
    """Plan a set, as `earmark set` does."""
    with open_catalogue(site.catalogue) as opened:
        families = opened.families()
        found = make_set(
            opened,
            _named(site, body.start, families),
            _named(site, body.goal, families) if body.goal else "",
            minutes=body.minutes,
            tracks=body.tracks,
            play=[str(path) for path in paths_of(site, body.play)],
            energy=body.energy,
            repeat_artists=body.repeat_artists,
            variety=body.variety,
            seed=body.seed,
        )
    answer = found.as_json()
    for step, told in zip(found.steps, answer["tracks"], strict=True):
        told["id"] = step.track.id
    return answer


@router.post("/mix", status_code=202, responses={404: {}})
def mix(body: MixBody, site: AskedSite, jobs: AskedJobs) -> dict[str, Any]:
    """Begin to render tracks as one mix; the result names its files."""
    paths_of(site, body.tracks)
    return jobs.ask("mix", body.model_dump()).as_json()


@router.get("/mixes")
def rendered(site: AskedSite, jobs: AskedJobs) -> list[dict[str, Any]]:
    """The mixes that were rendered, the latest first."""
    return [mix.as_json() for mix in _mixes(site, jobs).values()]


@router.delete("/mixes/{name}", responses={404: {}})
def delete(name: str, site: AskedSite, jobs: AskedJobs) -> list[dict[str, Any]]:
    """Delete all files of a mix, by its name in the list of mixes; the answer is the mixes that are left."""
    there = _mixes(site, jobs)
    if name not in there:
        raise HTTPException(HTTPStatus.NOT_FOUND, "there is no such mix")
    there[name].delete()
    return rendered(site, jobs)


@router.get("/mixes/{name}", response_class=FileResponse, responses={404: {}})
def mixed(name: str, site: AskedSite) -> FileResponse:
    """A file of a mix: the sound, the cue sheet, the picture, the decisions."""
    there = {path.name: path for path in mixes_folder(site).glob("*") if path.is_file()}
    if name not in there:
        raise HTTPException(HTTPStatus.NOT_FOUND, "there is no such mix")
    return FileResponse(there[name], filename=name)


@router.get("/recommend", responses={404: {}})
def recommended(
    site: AskedSite,
    limit: Annotated[int, Query(ge=1, le=100)] = 10,
    new: Annotated[bool, Query(description="only tracks that nobody has played")] = False,
    one_per_artist: bool = False,
    variety: Annotated[float, Query(ge=0, le=1)] = 0.0,
) -> list[dict[str, Any]]:
    """Tracks that fit what the user listens to; `earmark learn-taste` learns that."""
    with open_catalogue(site.catalogue) as opened:
        found = recommend(opened, known_taste(), limit=limit, new=new, one_per_artist=one_per_artist, variety=variety)
    return [each.as_json() for each in found.tracks]


@router.post("/export", response_class=Response, responses={404: {}})
def export(body: ExportBody, site: AskedSite) -> Response:
    """Tracks in their order for another program, as a file; a playlist of that name where it has playlists."""
    content = exported(site, body.tracks, body.format, body.name)
    named = f'attachment; filename="earmark{FORMATS[body.format].suffix}"'
    return Response(content, media_type="application/octet-stream", headers={"content-disposition": named})


def _mixes(site: Site, jobs: Jobs) -> dict[str, RenderedMix]:
    """The mixes by name, but for the one that is being rendered."""
    active = {job.id for job in jobs.all() if job.state in ACTIVE}
    return {mix.name: mix for mix in mixes(mixes_folder(site)) if mix.name not in active}


def _named(site: Site, end: int | str, families: Mapping[str, str]) -> str:
    """The path of a track that is named by its id, or the style; no other file is read.

    Raises:
        EarmarkError: there is neither.
    """
    return str(paths_of(site, [end])[0]) if isinstance(end, int) else style_named(end, families)
