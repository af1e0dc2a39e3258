"""Jobs on a page: progress, speed, time left, and buttons to stop, resume and read the log. Jobs run independently of the page."""

from __future__ import annotations

from functools import partial

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from ... import jobs
from ...jobs import Job
from .. import ui
from ..shared import cache
from ..shared.redaction import without_paths
from . import url_state

POLL_S = 1.0
_BUTTON_PX = 96
_VERBS = {
    "ingest": "Reading pictures", "embed": "Describing patches", "index": "Comparing patches", "graph": "Comparing patches",
    "project": "Drawing the map", "cluster": "Finding groups", "download": "Fetching the model", "verify": "Checking files",
    "evaluate": "Measuring",
}  # fmt: skip


def panel(collection: str | None = None) -> None:
    """Show the jobs of a collection, or of all. The page is rerun when a job begins or ends."""
    known = {job.id: job.state() for job in of(collection)}

    @st.fragment(run_every=POLL_S if {"waiting", "running"} & set(known.values()) else None)
    def shown() -> None:
        found = {job.id: (job, job.state()) for job in of(collection)}
        if {name: now for name, (_, now) in found.items()} != known:
            st.rerun()  # before anything is drawn: a button that is drawn twice loses a click that falls between
        for job, now in found.values():
            ui.guarded(partial(_show, job, now))

    shown()


def of(collection: str | None = None) -> list[Job]:
    """Jobs of a collection, or of all; newest first."""
    return [job for job in jobs.jobs(cache.settings().home) if collection in (None, job.collection)]


def _show(job: Job, now: jobs.State) -> None:
    with st.container(key=f"job-{job.id}", border=True, gap="small"):
        if now == "waiting":
            _waiting(job)
        elif now == "running":
            _running(job)
        else:
            _ended(job, now)


def _row(job: Job, words: str, *, log: bool = True, dismiss: bool = False) -> DeltaGenerator:
    """Draw the line of a job and return the place of its main button.

    The main button stands at the right edge in every state: what appears, vanishes or grows beside it does not move it, so that
    no press begins on a button and ends beside it.
    """
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{ui.plain(job.title)}** &ensp; {ui.plain(words)}", width="stretch")
        with st.container(width="content"):
            if log:
                _log(job)
        with st.container(width="content"):
            if dismiss:
                st.button("Dismiss", key=f"dismiss-{job.id}", on_click=_dismiss, args=(job,), type="tertiary")
        return st.container(width=_BUTTON_PX, horizontal_alignment="right")


def _waiting(job: Job) -> None:
    before = [other.id for other in jobs.waiting(cache.settings().home)]
    place = before.index(job.id) + 1 if job.id in before else 1
    with _row(job, f"Waits for its turn; number {place} in the queue.", log=False):
        st.button("Stop", key=f"stop-{job.id}", on_click=_stop, args=(job,), help="It has not begun.")


def _running(job: Job) -> None:
    with _row(job, ""):
        st.button("Stop", key=f"stop-{job.id}", on_click=_stop, args=(job,), help="What is done so far is kept.")
    progress = job.progress()
    if progress is None or not progress.total:
        st.progress(0.0, text=ui.plain(progress.note if progress and progress.note else "Getting ready"))
        return
    words = [
        f"{_VERBS.get(progress.verb, progress.verb.capitalize())}: {ui.count(progress.done)} of {ui.count(progress.total)} {progress.unit}"
    ]
    left, rate = job.seconds_left(), job.rate_per_s()
    if left is not None and rate is not None and progress.done < progress.total:
        words += [f"{rate:.0f} a second" if rate >= 1 else f"{60 * rate:.0f} a minute", f"about {ui.duration(left)} left for this step"]
    st.progress(min(1.0, progress.done / progress.total), text=ui.plain(" · ".join([*words, progress.note] if progress.note else words)))


def _ended(job: Job, now: jobs.State) -> None:
    words = {
        "done": "Done.",
        "failed": without_paths(job.error()),
        "cancelled": "Stopped. What was done so far is kept.",
        "killed": "Interrupted, perhaps because the machine was switched off. What was done so far is kept.",
    }
    with _row(job, words[now], dismiss=True):
        if now == "done" and job.command[0] in ("build", "demo"):
            url_state.link("map", "Open", collection=job.collection)
        if now != "done":
            again = "Try again" if now == "failed" else "Go on"
            st.button(again, key=f"again-{job.id}", on_click=_again, args=(job,), type="primary" if now != "failed" else "secondary")


def _log(job: Job) -> None:
    with st.popover("Log", type="tertiary", key=f"log-{job.id}"):
        st.text(without_paths(job.log().replace("\r", "\n")[-4000:]) or "Nothing yet.")


def _stop(job: Job) -> None:
    if job.is_active():
        jobs.cancel(job)


def _again(job: Job) -> None:
    if job.path.exists() and not job.is_active():
        jobs.resume(cache.settings().home, job)


def _dismiss(job: Job) -> None:
    if job.path.exists() and not job.is_active():
        jobs.remove(job)
