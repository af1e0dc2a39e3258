"""Routes for jobs: long work that continues without the browser that started it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter

from ... import jobs
from ..shared import cache, job_requests
from ..shared.redaction import without_paths

router = APIRouter(prefix="/jobs", tags=["jobs"])


@router.get("")
def listed() -> list[dict[str, Any]]:
    """All jobs, newest first."""
    home = cache.settings().home
    queue = [job.id for job in jobs.waiting(home)]
    return [as_json(job, queue) for job in jobs.jobs(home)]


@router.post("", status_code=201)
def start(asked: job_requests.JobRequest) -> dict[str, Any]:
    """Start a job, or queue it. It continues when the browser or the server ends, and can be resumed after it was killed."""
    return as_json(job_requests.start(asked))


@router.get("/{job_id}")
def one(job_id: str) -> dict[str, Any]:
    """The state of one job."""
    return as_json(find(job_id))


@router.get("/{job_id}/log")
def log(job_id: str) -> dict[str, str]:
    """The end of the log of a job."""
    return {"log": without_paths(find(job_id).log())}


@router.post("/{job_id}/cancel")
def cancel(job_id: str) -> dict[str, Any]:
    """Stop a running job; completed parts are kept."""
    job = find(job_id)
    jobs.cancel(job)
    return as_json(job)


@router.post("/{job_id}/resume", status_code=201)
def resume(job_id: str) -> dict[str, Any]:
    """Run the command of an ended job again; it continues from the completed parts."""
    return as_json(jobs.resume(cache.settings().home, find(job_id)))


@router.delete("/{job_id}")
def remove(job_id: str) -> dict[str, Any]:
    """Delete the record and log of an ended job."""
    jobs.remove(find(job_id))
    return {}


def find(job_id: str) -> jobs.Job:
    """The job of that id. Raises ``NotFound``."""
    return jobs.find(cache.settings().home, job_id)


def as_json(job: jobs.Job, queue: Sequence[str] | None = None) -> dict[str, Any]:
    """The public facts of a job, without its command, which holds paths. ``queue`` holds the ids of waiting jobs, where known."""
    now, progress = job.state(), job.progress()
    running = now == "running"
    return {
        "id": job.id,
        "title": job.title,
        "collection": job.collection,
        "created": job.record["created"],
        "state": now,
        "place_in_queue": _place(job, queue) if now == "waiting" else None,
        "step": progress.verb if progress else None,
        "done": progress.done if progress else None,
        "total": progress.total if progress else None,
        "unit": progress.unit if progress else None,
        "note": without_paths(progress.note) if progress else "",
        "rate_per_s": job.rate_per_s() if running else None,
        "seconds_left": job.seconds_left() if running else None,
        "error": without_paths(job.error()) if now == "failed" else None,
    }


def _place(job: jobs.Job, queue: Sequence[str] | None) -> int | None:
    """Position in the queue, from 1; None where the job has just left it."""
    if queue is None:
        queue = [other.id for other in jobs.waiting(cache.settings().home)]
    return queue.index(job.id) + 1 if job.id in queue else None
