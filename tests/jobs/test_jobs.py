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
from explorer.errors import Conflict, InputError, NotFound
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
    until(lambda: job.state() != "running")
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


def test_a_job_does_the_command_and_says_so(home: Path, patches: Path) -> None:
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
    pid = int((job.path / jobs.PID).read_text())
    jobs.cancel(job)
    assert job.state() == "cancelled"
    with pytest.raises(ProcessLookupError):  # it is gone and was reaped
        until(lambda: bool(os.kill(pid, 0)))
    with pytest.raises(Conflict, match="not running"):
        jobs.cancel(job)
    again = jobs.resume(home, job)
    assert again.state() == "running" and again.command == job.command
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
    until(lambda: job.state() != "running")
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: job.state(), range(64))) == {"killed"}
    again = jobs.resume(home, job)
    assert again.state() == "running"
    jobs.cancel(again)


def test_two_jobs_on_one_collection_end_with_one_whole_collection(home: Path, patches: Path) -> None:
    both = [ingest(home, patches), ingest(home, patches)]
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
def test_only_ids_name_jobs(home: Path, name: str) -> None:
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
