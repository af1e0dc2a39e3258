"""Routes of jobs: long work that goes on without the browser that began it."""

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
def start(asked: job_requests.Work) -> dict[str, Any]:
    """Start a job, or let it wait its turn. It goes on when the browser or the server is gone, and can be resumed where it was killed."""
    return as_json(job_requests.start(asked))


@router.get("/{job_id}")
def one(job_id: str) -> dict[str, Any]:
    """Where a job stands."""
    return as_json(find(job_id))


@router.get("/{job_id}/log")
def log(job_id: str) -> dict[str, str]:
    """The end of what a job printed."""
    return {"log": without_paths(find(job_id).log())}


@router.post("/{job_id}/cancel")
def cancel(job_id: str) -> dict[str, Any]:
    """Stop a running job; what it has done stays."""
    job = find(job_id)
    jobs.cancel(job)
    return as_json(job)


@router.post("/{job_id}/resume", status_code=201)
def resume(job_id: str) -> dict[str, Any]:
    """Run the command of an ended job again, from where it was."""
    return as_json(jobs.resume(cache.settings().home, find(job_id)))


@router.delete("/{job_id}")
def remove(job_id: str) -> dict[str, Any]:
    """Forget an ended job and its log."""
    jobs.remove(find(job_id))
    return {}


def find(job_id: str) -> jobs.Job:
    """The job of that id. Raises ``NotFound``."""
    return jobs.find(cache.settings().home, job_id)


def as_json(job: jobs.Job, queue: Sequence[str] | None = None) -> dict[str, Any]:
    """What is told of a job; never its command, which holds paths. ``queue`` are the ids that wait, where they are known."""
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
    """From 1; None where its turn came just now."""
    if queue is None:
        queue = [other.id for other in jobs.waiting(cache.settings().home)]
    return queue.index(job.id) + 1 if job.id in queue else None
