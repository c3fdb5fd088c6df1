"""Long work: in turn, with progress, cancelled, noted, and gone on with."""

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from earmark.errors import EarmarkError
from earmark.web.jobs import ACTIVE, KEPT, FullError, Job, Jobs, Report, State


def _until(true: Callable[[], object]) -> None:
    for _ in range(6000):
        if true():
            return
        time.sleep(0.01)
    raise AssertionError("it did not come to that within a minute")


def _count(arguments: Mapping[str, Any], report: Report) -> dict[str, int]:
    with report.counting(arguments["to"], "steps") as advance:
        for _ in range(arguments["to"]):
            advance()
    return {"counted": arguments["to"]}


def _ended(jobs: Jobs, name: str) -> bool:
    job = jobs.get(name)
    return job is not None and job.state not in ACTIVE


def test_a_job_is_done_and_its_result_is_noted(tmp_path: Path) -> None:
    jobs = Jobs(tmp_path, {"count": _count})
    asked = jobs.ask("count", {"to": 3})
    _until(lambda: _ended(jobs, asked.id))
    done = jobs.get(asked.id)
    assert done is not None
    assert (done.state, done.done, done.total, done.unit) == (State.DONE, 3, 3, "steps")
    assert done.result == {"counted": 3}
    assert json.loads((tmp_path / f"{asked.id}.json").read_text())["state"] == "done"


def test_a_job_tells_how_many_tracks_it_is_about_and_notes_which(tmp_path: Path) -> None:
    jobs = Jobs(tmp_path, {"tag": lambda arguments, _: {"changed": len(arguments["tracks"])}})
    asked = jobs.ask("tag", {"tracks": list(range(100_000)), "policy": "append"})
    assert asked.as_json()["arguments"] == {"tracks": 100_000, "policy": "append"}
    assert len(json.dumps(asked.as_json())) < 500
    _until(lambda: _ended(jobs, asked.id))
    noted = json.loads((tmp_path / f"{asked.id}.json").read_text())
    assert noted["arguments"]["tracks"] == list(range(100_000))
    assert noted["result"] == {"changed": 100_000}


def test_what_fails_says_why_and_the_next_has_its_turn(tmp_path: Path) -> None:
    def fail(arguments: Mapping[str, Any], _: Report) -> None:
        if arguments["foreseen"]:
            raise EarmarkError("no such folder")
        raise ZeroDivisionError("a fault of the program")

    jobs = Jobs(tmp_path, {"fail": fail, "count": _count})
    asked = [jobs.ask("fail", {"foreseen": True}), jobs.ask("fail", {"foreseen": False}), jobs.ask("count", {"to": 1})]
    _until(lambda: _ended(jobs, asked[-1].id))
    errors = [job.error for each in asked if (job := jobs.get(each.id))]
    assert errors[0] == "no such folder"
    assert "ZeroDivisionError" in errors[1]
    assert errors[2] == ""


def test_a_job_that_runs_and_one_that_waits_can_be_cancelled(tmp_path: Path) -> None:
    begun, go = threading.Event(), threading.Event()

    def wait(_: Mapping[str, Any], report: Report) -> None:
        with report.counting(2, "steps") as advance:
            begun.set()
            go.wait(5)
            advance()
            raise AssertionError("it went on after it was cancelled")

    jobs = Jobs(tmp_path, {"wait": wait, "count": _count})
    running, waiting = jobs.ask("wait", {}), jobs.ask("count", {"to": 1})
    assert begun.wait(5)
    jobs.cancel(running.id)
    jobs.cancel(waiting.id)
    go.set()
    _until(lambda: _ended(jobs, running.id))
    states = [job.state for each in (running, waiting) if (job := jobs.get(each.id))]
    assert states == [State.CANCELLED, State.CANCELLED]
    last = jobs.ask("count", {"to": 1})
    _until(lambda: _ended(jobs, last.id))
    assert jobs.get(waiting.id) == waiting.__class__(**{**vars(waiting), "state": State.CANCELLED})


def test_a_server_that_was_killed_goes_on_with_what_ran_and_what_waited(tmp_path: Path) -> None:
    never = threading.Event()
    killed = Jobs(tmp_path, {"count": lambda _, __: never.wait(30)})
    asked = [killed.ask("count", {"to": 2}), killed.ask("count", {"to": 1})]
    _until(lambda: (job := killed.get(asked[0].id)) and job.state is State.RUNNING)
    next_one = Jobs(tmp_path, {"count": _count})
    _until(lambda: all(_ended(next_one, each.id) for each in asked))
    assert [job.result for each in asked if (job := next_one.get(each.id))] == [{"counted": 2}, {"counted": 1}]
    never.set()


def test_a_server_that_stops_leaves_its_job_to_the_next_one(tmp_path: Path) -> None:
    begun, go = threading.Event(), threading.Event()

    def wait(_: Mapping[str, Any], report: Report) -> None:
        with report.counting(2, "steps") as advance:
            begun.set()
            go.wait(5)
            advance()

    jobs = Jobs(tmp_path, {"count": wait})
    asked = jobs.ask("count", {"to": 1})
    assert begun.wait(5)
    jobs.close()
    go.set()
    _until(lambda: json.loads((tmp_path / f"{asked.id}.json").read_text())["state"] == "queued")
    next_one = Jobs(tmp_path, {"count": _count})
    _until(lambda: _ended(next_one, asked.id))


def test_too_many_jobs_are_refused(tmp_path: Path) -> None:
    go = threading.Event()
    jobs = Jobs(tmp_path, {"wait": lambda _, __: go.wait(5)}, waiting=2)
    for _ in range(3):
        jobs.ask("wait", {})
    with pytest.raises(FullError, match="too many jobs wait"):
        jobs.ask("wait", {})
    go.set()


def test_the_seconds_that_are_left_follow_from_the_rate(tmp_path: Path) -> None:
    told: list[tuple[float, float | None]] = []

    def count(_: Mapping[str, Any], report: Report) -> None:
        with report.counting(4, "steps") as advance:
            time.sleep(0.1)
            advance()
            job = report.jobs.get(report.id)
            told.append((job.seconds, job.left) if job else (0.0, None))

    jobs = Jobs(tmp_path, {"count": count})
    asked = jobs.ask("count", {})
    _until(lambda: _ended(jobs, asked.id))
    ((seconds, left),) = told
    assert seconds >= 0.1
    assert left == pytest.approx(3 * seconds)


def test_a_damaged_note_costs_that_job_only(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    whole = asdict(Job("whole", "count", {"to": 1}, asked=1.0))
    for name, content in {
        "cut": '{"id": "cut", "kind": "co',
        "another": '{"id": "another"}',
        "newer": json.dumps({**whole, "id": "newer", "more": 1}),
        "bytes": "\udce9",
        "words": json.dumps({**whole, "id": "words", "arguments": "to 1"}),
        "whole": json.dumps(whole),
        "foreign": json.dumps({**whole, "id": "foreign", "kind": "dance"}),
    }.items():
        (tmp_path / f"{name}.json").write_bytes(content.encode(errors="surrogateescape"))
    jobs = Jobs(tmp_path, {"count": _count})
    _until(lambda: _ended(jobs, "whole"))
    states = {job.id: (job.state, job.error) for job in jobs.all()}
    assert states == {"whole": (State.DONE, ""), "foreign": (State.FAILED, "this earmark does no such work")}
    assert len(caplog.messages) == 5
    assert all(f"{tmp_path}" in line and "is left out" in line for line in caplog.messages)


def test_jobs_that_were_cancelled_while_they_waited_may_be_forgotten_before_their_turn(tmp_path: Path) -> None:
    go = threading.Event()
    jobs = Jobs(tmp_path, {"wait": lambda _, __: go.wait(10), "count": _count})
    jobs.ask("wait", {})
    for _ in range(KEPT + 10):
        jobs.cancel(jobs.ask("count", {"to": 1}).id)
    go.set()
    last = jobs.ask("count", {"to": 1})
    _until(lambda: _ended(jobs, last.id))
    assert len(jobs.all()) <= KEPT + 1


def test_a_full_disk_ends_no_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    jobs = Jobs(tmp_path, {"count": _count})
    monkeypatch.setattr("earmark.files.write_text", full)
    asked = [jobs.ask("count", {"to": 1}) for _ in range(2)]
    _until(lambda: all(_ended(jobs, each.id) for each in asked))
    assert {job.state for job in jobs.all()} == {State.DONE}


def test_a_result_that_cannot_be_noted_is_a_fault_of_its_work(tmp_path: Path) -> None:
    jobs = Jobs(tmp_path, {"path": lambda _, __: Path("x"), "count": _count})
    asked = [jobs.ask("path", {}), jobs.ask("count", {"to": 1})]
    _until(lambda: all(_ended(jobs, each.id) for each in asked))
    states = {job.kind: job.state for job in jobs.all()}
    assert states == {"path": State.FAILED, "count": State.DONE}
