"""The kinds of long work: each takes the arguments of a job and its report, and returns its result, JSON.

Each can be begun again where it was cut: a scan hears only what is not in the catalogue, and a file that says already
what was heard is not written twice.
"""

import tempfile
from collections.abc import Mapping, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

from earmark import __version__
from earmark.app import atlas, auditing, mixing, reviewing, tagging
from earmark.app.catalogue import open_catalogue
from earmark.app.exporting import write_set
from earmark.app.listening import MODEL
from earmark.app.lookup import heard
from earmark.app.reviewing import Corrections
from earmark.app.scanning import Scan, examiner, problems
from earmark.errors import EarmarkError
from earmark.hearing.bundle import locate, user_models
from earmark.library import Catalogue, Track
from earmark.library.exports import FORMATS
from earmark.library.tags import Journal, Policy, Settings
from earmark.web.jobs import Report, Work
from earmark.web.site import Site


def works(site: Site) -> dict[str, Work]:
    """All kinds of work of a server, by name."""
    return {
        "scan": partial(scan, site),
        "tag": partial(tag, site),
        "undo": partial(undo, site),
        "audit": partial(audit, site),
        "teach": partial(teach, site),
        "mix": partial(mix, site),
        "arrange": partial(arrange, site),
    }


def scan(site: Site, arguments: Mapping[str, Any], report: Report) -> dict[str, int]:
    """Hear what is new in a folder; the numbers of files by what became of them."""
    folder = Path(arguments["folder"])
    with Catalogue(site.catalogue) as opened:
        made = Scan.of(opened, folder, examiner(site.catalogue, site.model), retry=arguments.get("retry", False))
        with closing(made.hear(progress=report.counting)) as found:
            for each in found:
                for line in problems(each):
                    report.complain(line)
        return dict(made.counts)


def tag(site: Site, arguments: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """Write what was heard into the tags of tracks of the library; the run by which it is undone, and the numbers."""
    run = Journal().run(arguments.get("run", "")) or Journal().start()
    report.keep(run=run.name)
    paths = paths_of(site, arguments["tracks"])
    tally = tagging.Tally()
    with open_catalogue(site.catalogue) as opened, report.counting(len(paths), "files") as advance:
        found = heard(map(str, paths), site.catalogue)
        for outcome in tagging.tag(found, settings(arguments), run, catalogue=opened):
            tally.add(outcome)
            if isinstance(outcome, EarmarkError):
                report.complain(outcome)
            advance()
    return {"run": run.name if run.path.exists() else None, **vars(tally)}


def differences(site: Site, arguments: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The changes that `tag` would make, for each track; nothing is written."""
    found = heard(map(str, paths_of(site, arguments["tracks"])), site.catalogue)
    return [_difference(outcome) for outcome in tagging.tag(found, settings(arguments))]


def undo(site: Site, arguments: Mapping[str, Any], report: Report) -> dict[str, int]:
    """Restore the files of a run byte for byte; how many were restored, and how many were not."""
    restored = refused = 0
    name = arguments.get("run") or Journal().latest()
    report.keep(run=name)
    run = Journal().run(name)
    left = sum(not write.undone for write in run.writes()) if run else 0
    with open_catalogue(site.catalogue) as opened, report.counting(left, "files") as advance:
        for outcome in tagging.undo(Journal(), name, catalogue=opened):
            if isinstance(outcome, Path):
                restored += 1
            else:
                refused += 1
                report.complain(outcome)
            advance()
    return {"restored": restored, "refused": refused}


def audit(site: Site, arguments: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """Look for doubtful genre tags and the same recording more than once."""
    with open_catalogue(site.catalogue) as opened:
        found = auditing.audit(opened, duplicates=arguments.get("duplicates", True), progress=report.counting)
        for failure in found.failures:
            report.complain(failure)
        answer = found.as_json()
        for group in (*answer.get("disagreements", ()), *answer.get("duplicates", ())):  # so that a page can play them
            paths = group.get("paths") or [group["path"]]
            group["tracks"] = [track.id for path in paths if (track := opened.track(path))]
    return answer


def teach(site: Site, _: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """Teach a model by what the user said of tracks, and compare it with what was heard before; it is not yet used."""
    with open_catalogue(site.catalogue) as opened:
        lesson = reviewing.teach(
            opened, Corrections.of(site.catalogue), fresh_model(), model=base_model(site), counting=report.counting
        )
    return lesson.as_json()


def mix(site: Site, arguments: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """Render tracks of the library as one mix, with its cue sheet, picture and decisions; the names of the files."""
    folder = mixes_folder(site)
    folder.mkdir(exist_ok=True)
    out = folder / f"{report.id}.{arguments.get('format', 'mp3')}"
    paths = paths_of(site, arguments["tracks"])
    done = mixing.mix(
        [str(path) for path in paths],
        out,
        catalogue=site.catalogue,
        replace=True,  # of what a killed server had begun
        counting=report.counting,
        staging=report.staging,
    )
    for failure in done.failures:
        report.complain(failure)
    return {"files": [path.name for path in done.files]}


def arrange(site: Site, _: Mapping[str, Any], report: Report) -> dict[str, int]:
    """Arrange the map so that neighbours in sound are neighbours on it."""
    with open_catalogue(site.catalogue) as opened:
        return {"arranged": atlas.arrange(opened, arranged_map(site), staging=report.staging)}


def arranged_map(site: Site) -> Path:
    """The file of the map that was arranged; there may be none."""
    return site.catalogue.with_name(site.catalogue.stem + ".map.npz")


def mixes_folder(site: Site) -> Path:
    """The folder of the mixes that were rendered from the page."""
    return site.catalogue.with_name(site.catalogue.stem + ".mixes")


def fresh_model() -> Path:
    """The folder of the next model that the page teaches: the one that is used, and the one before, stay."""
    folder, number = user_models(), 1
    while (folder / f"{reviewing.TAUGHT}-{number}").exists():
        number += 1
    return folder / f"{reviewing.TAUGHT}-{number}"


def base_model(site: Site) -> str:
    """The model that hears for a lesson: a taught one hears with its base, so lessons do not pile up."""
    folder = locate(site.model)
    return MODEL if folder.parent == user_models() and folder.name.startswith(reviewing.TAUGHT + "-") else site.model


def exported(site: Site, tracks: Sequence[int], form: str, name: str = "earmark") -> bytes:
    """Tracks in their order for another program, as the bytes of a file.

    Raises:
        EarmarkError: a track is not there, or the format cannot name its file.
    """
    found = tracks_of(site, tracks)
    with tempfile.TemporaryDirectory(prefix="earmark-") as folder:
        out = Path(folder, "export" + FORMATS[form].suffix)
        write_set(found, form, out, name)
        return out.read_bytes()


def settings(arguments: Mapping[str, Any]) -> Settings:
    """The choices for writing tags; what is left out is as in `earmark tag`.

    Raises:
        EarmarkError: a field or a policy that there is not.
    """
    chosen: dict[str, Any] = {}
    if arguments.get("fields") is not None:
        chosen["fields"] = tuple(arguments["fields"])
    if arguments.get("policy") is not None:
        chosen["policy"] = Policy(arguments["policy"])
    if arguments.get("min_confidence") is not None:
        chosen["min_confidence"] = arguments["min_confidence"]
    return Settings(**chosen, version=__version__)


def paths_of(site: Site, numbers: Sequence[int]) -> list[Path]:
    """The files of tracks of the library, by their ids; see `tracks_of`."""
    return [track.path for track in tracks_of(site, numbers)]


def tracks_of(site: Site, numbers: Sequence[int]) -> list[Track]:
    """Tracks of the library, by their ids and in their order.

    Raises:
        EarmarkError: there is no track of such an id.
    """
    with open_catalogue(site.catalogue) as opened:
        found = opened.by_ids(numbers)
    if missing := set(numbers) - {track.id for track in found}:
        raise EarmarkError(f"there is no track {min(missing)} in the library")
    return found


def _difference(outcome: tagging.TagOutcome) -> dict[str, Any]:
    if isinstance(outcome, EarmarkError):
        return {"path": str(outcome.path), "changes": [], "refused": outcome.reason}
    changes = [{"field": each.field, "before": each.before, "after": each.after} for each in outcome.changes]
    return {"path": str(outcome.path), "changes": changes, "refused": None}
