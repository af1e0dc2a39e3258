"""Jobs: a command in its own process, whoever watches, stops or kills it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from fakes import write_patches

from explorer import jobs
from explorer.collection import open_collection
from explorer.errors import Busy, Conflict, InputError, NotFound
from explorer.types import Progress

PATIENCE_S = 60.0


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def patches(tmp_path: Path) -> Path:
    return write_patches(tmp_path / "patches", per_class=4)


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.05)


def ended(job: jobs.Job) -> jobs.Job:
    until(lambda: not job.is_active())
    return job


def ingest(home: Path, source: Path, name: str = "small") -> jobs.Job:
    return jobs.start(home, ["ingest", "--name", name, "--", str(source)], title=f"Read {name}")


def waiting(home: Path, tmp_path: Path) -> jobs.Job:
    """A job that runs until it is stopped: it reads a pipe nobody writes to."""
    (tmp_path / "pictures").mkdir(exist_ok=True)
    write_patches(tmp_path / "pictures", per_class=1)
    table = tmp_path / "endless.csv"
    if not table.exists():
        os.mkfifo(table)
    return jobs.start(home, ["ingest", "--name", "endless", "--", str(table)], title="Read without end")


def content(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()}


def by_hand(home: Path, on_term: str) -> tuple[jobs.Job, subprocess.Popen[str]]:
    """A running job whose process does ``on_term`` when it is asked to stop."""
    path = home / jobs.FOLDER / "made-by-hand"
    path.mkdir(parents=True)
    script = f"""
import os, signal, sys, time
from pathlib import Path
from explorer import storage
path = Path(sys.argv[1])
def on_term(*_):
    {on_term}
signal.signal(signal.SIGTERM, on_term)
with storage.locked(path / "lock", what="job"):
    storage.write_json(path / "pid", os.getpid())
    storage.write_json(path / "job.json", {{"command": ["list"], "title": "List", "collection": "", "created": ""}})
    (path / "started").touch()
    print("up", flush=True)
    while True:
        time.sleep(60)
"""
    process = subprocess.Popen([sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout and process.stdout.readline() == "up\n"
    return jobs.find(home, path.name), process


def reap(process: subprocess.Popen[str]) -> int:
    assert process.stdout
    process.stdout.close()
    return process.wait(PATIENCE_S)


def test_a_job_runs_its_command_and_records_its_state(home: Path, patches: Path) -> None:
    job = ended(ingest(home, patches))
    assert (job.state(), job.title) == ("done", "Read small")
    assert open_collection("small", home=home).n == 12
    assert job.progress() == Progress("ingest", 12, 12)
    assert "12 rows" in job.log()
    assert job.seconds_left() in (None, 0.0)


def test_a_failed_job_gives_the_sentence_of_the_command(home: Path, tmp_path: Path) -> None:
    job = ended(ingest(home, tmp_path / "nowhere"))
    assert job.state() == "failed"
    assert job.error().startswith(str(tmp_path / "nowhere")) and "check the path" in job.error()


def test_an_unknown_command_fails(home: Path) -> None:
    job = ended(jobs.start(home, ["juggle"], title="Juggle"))
    assert job.state() == "failed" and "juggle" in job.log()


def test_a_running_job_is_seen_by_others_and_listed_newest_first(home: Path, tmp_path: Path, patches: Path) -> None:
    first = ended(ingest(home, patches))
    second = waiting(home, tmp_path)
    until(lambda: second.state() == "running")
    try:
        assert [job.id for job in jobs.jobs(home)] == [second.id, first.id]
        asked = "import sys; from pathlib import Path; from explorer import jobs; print(jobs.find(Path(sys.argv[1]), sys.argv[2]).state())"
        seen = subprocess.run([sys.executable, "-c", asked, str(home), second.id], capture_output=True, text=True, check=True)
        assert seen.stdout.strip() == "running"
        with ThreadPoolExecutor(8) as pool:  # looking takes the lock for a moment; no look may be fooled by another
            assert set(pool.map(lambda _: second.state(), range(64))) == {"running"}
    finally:
        jobs.cancel(second)


def test_cancel_stops_the_process_and_resume_does_the_command_again(home: Path, tmp_path: Path, patches: Path) -> None:
    job = waiting(home, tmp_path)
    until(lambda: job.state() == "running")
    pid = int((job.path / jobs.PID).read_text())
    jobs.cancel(job)
    assert job.state() == "cancelled"
    with pytest.raises(ProcessLookupError):  # it is gone and was reaped
        until(lambda: bool(os.kill(pid, 0)))
    with pytest.raises(Conflict, match="not running"):
        jobs.cancel(job)
    again = jobs.resume(home, job)
    assert again.is_active() and again.command == job.command
    assert [found.id for found in jobs.jobs(home)] == [again.id]
    with pytest.raises(Conflict, match="still running"):
        jobs.resume(home, again)
    with pytest.raises(Conflict, match="still running"):
        jobs.remove(again)
    jobs.cancel(again)
    jobs.remove(again)
    assert jobs.jobs(home) == []


def test_a_killed_job_is_known_as_such_and_can_be_resumed(home: Path, tmp_path: Path) -> None:
    job = waiting(home, tmp_path)
    os.kill(int((job.path / jobs.PID).read_text()), signal.SIGKILL)
    until(lambda: not job.is_active())
    before = content(job.path)
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: job.state(), range(64))) == {"killed"}
    assert content(job.path) == before  # looking changes nothing
    again = jobs.resume(home, job)
    assert again.is_active()
    jobs.cancel(again)


def test_two_jobs_on_one_collection_end_with_one_whole_collection(home: Path, patches: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXPLORER_JOBS_AT_ONCE", "2")
    command = ["ingest", "--name", "small", "--kind", "folder", "--", str(patches)]
    both = [ingest(home, patches), jobs.start(home, command, title="Read small too")]
    assert [ended(job).state() for job in both] == ["done", "done"]
    collection = open_collection("small", home=home)
    assert collection.n == 12 and collection.verify() == []


def test_a_job_outlives_the_process_that_started_it(home: Path, tmp_path: Path, patches: Path) -> None:
    starting = (
        "import os, signal, sys; from pathlib import Path; from explorer import jobs\n"
        "jobs.start(Path(sys.argv[1]), ['ingest', '--name', 'small', '--', sys.argv[2]], title='Read')\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", starting, str(home), str(patches)], check=False)
    (job,) = jobs.jobs(home)
    assert ended(job).state() == "done"
    assert open_collection("small", home=home).n == 12


def test_a_job_that_cannot_be_started_says_so(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(InputError, match="could not be started"):
        jobs.start(home, ["list"], title="List")
    assert jobs.jobs(home) == []


@pytest.mark.parametrize("name", ["", "..", "../x", "x/y", "nothing", "."])
def test_only_a_valid_id_finds_a_job(home: Path, name: str) -> None:
    (home / jobs.FOLDER).mkdir(parents=True)
    with pytest.raises(NotFound, match="no job"):
        jobs.find(home, name)


def test_rate_and_time_left_are_those_of_the_step_in_progress(home: Path) -> None:
    path = home / jobs.FOLDER / "made"
    path.mkdir(parents=True)
    job = jobs.Job(path, {"command": ["embed"], "title": "Embed"})
    assert (job.progress(), job.rate_per_s(), job.seconds_left()) == (None, None, None)
    jobs.write_progress(path / jobs.PROGRESS, Progress("ingest", 900, 900), time_s=1.0)
    assert job.rate_per_s() is None
    for done, time_s in ((100, 10.0), (150, 12.0), (200, 15.0)):
        jobs.write_progress(path / jobs.PROGRESS, Progress("embed", done, 500), time_s=time_s)
    with (path / jobs.PROGRESS).open("a") as file:
        file.write('{"verb": "embed", "do')  # a line half written
    assert job.progress() == Progress("embed", 200, 500)
    assert job.rate_per_s() == pytest.approx(20.0)
    assert job.seconds_left() == pytest.approx(15.0)


def test_a_job_that_ignores_the_request_to_stop_is_killed(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("explorer.jobs.control._PATIENCE_S", 0.2)
    job, process = by_hand(home, "pass")
    assert job.state() == "running"
    jobs.cancel(job)
    assert job.state() == "cancelled"
    assert reap(process) == -signal.SIGKILL


def test_a_job_that_ends_while_it_is_being_cancelled_keeps_its_end(home: Path) -> None:
    job, process = by_hand(home, "(path / 'ended').write_text('0'); os._exit(0)")
    jobs.cancel(job)
    assert job.state() == "done"
    assert reap(process) == 0


def test_a_job_that_fails_because_it_is_stopped_was_cancelled(home: Path) -> None:
    job, process = by_hand(home, "(path / 'ended').write_text('143'); os._exit(143)")
    jobs.cancel(job)
    assert job.state() == "cancelled"
    assert reap(process) == 143


def test_one_job_runs_at_a_time_and_the_others_in_the_order_they_were_asked_for(home: Path, tmp_path: Path, patches: Path) -> None:
    first = waiting(home, tmp_path)
    until(lambda: first.state() == "running")
    others = [ingest(home, patches, name) for name in ("one", "two", "three")]
    assert [job.id for job in jobs.waiting(home)] == [job.id for job in others]
    assert {job.state() for job in others} == {"waiting"}
    jobs.cancel(others[1])
    assert others[1].state() == "cancelled" and [job.id for job in jobs.waiting(home)] == [others[0].id, others[2].id]
    jobs.cancel(first)
    assert [ended(job).state() for job in (others[0], others[2])] == ["done", "done"]
    ends = [(job.path / "ended").stat().st_mtime_ns for job in (others[0], others[2])]
    assert ends == sorted(ends) and not (home / "two").exists()


def test_as_many_jobs_run_at_a_time_as_the_setting_says(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXPLORER_JOBS_AT_ONCE", "2")
    table = tmp_path / "endless.csv"
    os.mkfifo(table)
    three = [jobs.start(home, ["ingest", "--name", name, "--", str(table)], title=name) for name in ("a", "b", "c")]
    until(lambda: [job.state() for job in three] == ["running", "running", "waiting"])
    jobs.cancel(three[0])
    until(lambda: three[2].state() == "running")
    for job in three[1:]:
        jobs.cancel(job)


def test_the_same_job_asked_for_by_many_at_once_is_one(home: Path, tmp_path: Path) -> None:
    table = tmp_path / "endless.csv"
    os.mkfifo(table)

    def ask(_: int) -> str:
        try:
            return jobs.start(home, ["ingest", "--name", "x", "--", str(table)], title="Read x").id
        except Busy as busy:
            assert str(busy) == "'Read x' is being done already; wait for it or stop it."
            return ""

    with ThreadPoolExecutor(8) as pool:
        started = [job_id for job_id in pool.map(ask, range(8)) if job_id]
    assert [job.id for job in jobs.jobs(home)] == started and len(started) == 1
    jobs.cancel(jobs.find(home, started[0]))


def test_a_job_that_waited_when_the_machine_stopped_waits_again(home: Path, tmp_path: Path, patches: Path) -> None:
    first, second = waiting(home, tmp_path), ingest(home, patches)
    until(lambda: first.state() == "running")
    for job in (second, first):
        os.kill(int((job.path / jobs.PID).read_text()), signal.SIGKILL)
    until(lambda: (first.state(), second.state()) == ("killed", "killed"))
    jobs.requeue(home)
    jobs.requeue(home)  # a second server starts too
    assert {job.id for job in jobs.jobs(home)} == {first.id, second.id}
    assert ended(second).state() == "done"
    assert first.state() == "killed"  # it had begun; a person says whether it goes on
    assert open_collection("small", home=home).n == 12
