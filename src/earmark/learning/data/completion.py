"""From the tracks of a source to a manifest without unreadable files, and with copies on one side of the split."""

from collections.abc import Iterable
from dataclasses import replace

from earmark.errors import FileError
from earmark.learning.data.duplicates import find_duplicates, keep_together
from earmark.learning.data.manifest import Manifest, labelled
from earmark.learning.data.probing import Probed
from earmark.learning.data.report import ManifestReport, report
from earmark.learning.data.sources import Collected, Dropped


def complete(collected: Collected, outcomes: Iterable[Probed | FileError]) -> tuple[Manifest, ManifestReport]:
    """Complete the tracks of a source by the outcomes of probing their files.

    A published split stays as it is; the report says which recordings cross it.

    Args:
        collected: the tracks of a source.
        outcomes: of probing its files.
    """
    probed = list(outcomes)
    heard = {each.path: each for each in probed if isinstance(each, Probed)}
    unheard = [Dropped(each.path, each.reason) for each in probed if isinstance(each, FileError)]
    manifest = collected.manifest
    kept = [entry for entry in manifest.entries if entry.path in heard]
    manifest = replace(manifest, entries=tuple(kept)) if manifest.task == "values" else labelled(manifest.task, kept)
    fingerprints = {path: each.fingerprint for path, each in heard.items() if each.fingerprint is not None}
    groups = find_duplicates(fingerprints) if fingerprints else None
    if groups and not collected.published:
        manifest = keep_together(manifest, groups)
    return manifest, report(
        manifest, {path: each.duration for path, each in heard.items()}, [*collected.dropped, *unheard], groups
    )
