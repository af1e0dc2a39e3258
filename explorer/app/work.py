<<<<<<< HEAD
"""Jobs as a page shows them: how far, how fast, how long still; stop, go on, log. They outlive the page."""

from __future__ import annotations

import streamlit as st

from .. import jobs
from ..jobs import Job
from . import address, making, state, ui
from .words import without_paths

POLL_S = 1.0
_VERBS = {
    "ingest": "Reading pictures", "embed": "Describing patches", "index": "Comparing patches", "graph": "Comparing patches",
    "project": "Drawing the map", "cluster": "Finding groups", "download": "Fetching the model", "verify": "Checking files",
}  # fmt: skip


def panel(collection: str | None = None) -> None:
    """Jobs of a collection, or of all. Where one ends, the page is shown anew."""
    running = {job.id for job in making.running(collection)}

    @st.fragment(run_every=POLL_S if running else None)
    def shown() -> None:
        found = [job for job in jobs.jobs(state.settings().home) if collection in (None, making.collection_of(job))]
        for job in found:
            ui.guarded(lambda job=job: _show(job))  # type: ignore[misc]
        if running - {job.id for job in found if job.state() == "running"}:
            st.rerun()

    shown()


def _show(job: Job) -> None:
    now = job.state()
    with st.container(key=f"job-{job.id}", border=True, gap="small"):
        if now == "running":
            _running(job)
        else:
            _ended(job, now)


def _running(job: Job) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{ui.plain(job.title)}**", width="stretch")
        _log(job)
        st.button("Stop", key=f"stop-{job.id}", on_click=_stop, args=(job,), help="What is done so far is kept.")
    progress = job.progress()
    if progress is None or not progress.total:
        st.progress(0.0, text=ui.plain(progress.note if progress and progress.note else "Getting ready"))
        return
    words = [
        f"{_VERBS.get(progress.verb, progress.verb.capitalize())}: {ui.count(progress.done)} of {ui.count(progress.total)} {progress.unit}"
    ]
    left = job.seconds_left()
    if left is not None and progress.done < progress.total:
        rate = (progress.total - progress.done) / max(left, 0.001)
        words += [f"{rate:.0f} a second" if rate >= 1 else f"{60 * rate:.0f} a minute", f"about {ui.duration(left)} left for this step"]
    st.progress(min(1.0, progress.done / progress.total), text=ui.plain(" · ".join([*words, progress.note] if progress.note else words)))


def _ended(job: Job, now: jobs.State) -> None:
    name = making.collection_of(job)
    words = {
        "done": "Done.",
        "failed": without_paths(job.error()),
        "cancelled": "Stopped. What was done so far is kept.",
        "killed": "Interrupted, perhaps because the machine was switched off. What was done so far is kept.",
    }
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{ui.plain(job.title)}** &ensp; {ui.plain(words[now])}", width="stretch")
        if now == "done" and job.command[0] in ("build", "demo"):
            address.link("map", "Open", collection=name)
        if now != "done":
            again = "Try again" if now == "failed" else "Go on"
            st.button(again, key=f"again-{job.id}", on_click=_again, args=(job,), type="primary" if now != "failed" else "secondary")
        _log(job)
        st.button("Dismiss", key=f"dismiss-{job.id}", on_click=_dismiss, args=(job,), type="tertiary")


def _log(job: Job) -> None:
    with st.popover("Log", type="tertiary", key=f"log-{job.id}"):
        st.text(without_paths(job.log().replace("\r", "\n")[-4000:]) or "Nothing yet.")


def _stop(job: Job) -> None:
    if job.state() == "running":
        jobs.cancel(job)


def _again(job: Job) -> None:
    if job.path.exists() and job.state() != "running":
        jobs.resume(state.settings().home, job)


def _dismiss(job: Job) -> None:
    if job.path.exists() and job.state() != "running":
        jobs.remove(job)
=======
"""The jobs a browser may start: each is checked here, and becomes the command a person would type."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from .. import encoders, jobs
from ..collection import checked_name
from ..errors import Busy, CollectionExists, CollectionMissing
from . import state, uploads
from .problems import Problem

Name = Annotated[str, Field(description="Name of the collection.")]
Encoder = Annotated[str | None, Field(description="Name of the encoder; the newest embedding's where left out.")]
Seed = Annotated[int, Field(ge=0, le=2**31 - 1)]


class _Work(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Name

    def command(self) -> list[str]:
        """Arguments of ``explorer``. Raises ``ExplorerError`` for what cannot be done."""
        raise NotImplementedError

    def title(self) -> str:
        """What is done, in words."""
        raise NotImplementedError


class Demo(_Work):
    """Draw synthetic tissue and build a collection from it."""

    verb: Literal["demo"] = "demo"
    name: Name = "demo"

    def command(self) -> list[str]:
        return ["demo", "--name", checked_name(self.name)]

    def title(self) -> str:
        return "Draw the demo tissue"


class Build(_Work):
    """A new collection, from an upload or from a path on the server; one of the two."""

    verb: Literal["build"] = "build"
    encoder: str = "descriptor"
    upload: str | None = None
    path: str | None = None
    columns: Mapping[str, str] = Field(default={}, description="For tables: our field -> the column that holds it.")

    def command(self) -> list[str]:
        source = self._source()
        encoders.spec(self.encoder)
        _check_free(self.name, source)
        options = ["--option", f"columns={json.dumps(dict(self.columns))}"] if self.columns else []
        return ["build", "--name", checked_name(self.name), "--encoder", self.encoder, *options, "--", str(source)]

    def title(self) -> str:
        return f"Build {self.name}"

    def _source(self) -> Path:
        if self.upload is not None and self.path is None:
            return uploads.find(state.settings().home, self.upload).source().resolve()
        if self.path is not None and self.upload is None:
            return allowed_path(self.path)
        raise Problem(422, "Say where the pictures are: either an upload or a path on the server.")


class Embed(_Work):
    """Every patch of a collection by another encoder, with the index, map and groups that come of it."""

    verb: Literal["embed"] = "embed"
    encoder: str

    def command(self) -> list[str]:
        made_from = state.collection(self.name).record["source"]
        encoders.spec(self.encoder)
        options = [part for key, value in made_from["options"].items() for part in ("--option", f"{key}={json.dumps(value)}")]
        return ["build", "--name", self.name, "--encoder", self.encoder, *options, "--", made_from["uri"]]

    def title(self) -> str:
        return f"Embed {self.name} by {self.encoder}"


class Project(_Work):
    """Another map."""

    verb: Literal["project"] = "project"
    encoder: Encoder = None
    method: Literal["umap", "pca"] = "umap"
    n_neighbors: Annotated[int, Field(ge=2, le=30)] = 15
    min_dist: Annotated[float, Field(ge=0.0, le=1.0)] = 0.1
    seed: Seed = 0

    def command(self) -> list[str]:
        options = {"--method": self.method, "--neighbors": self.n_neighbors, "--min-dist": self.min_dist, "--seed": self.seed}
        return _on_embedding("project", self.name, self.encoder, options)

    def title(self) -> str:
        return f"Map {self.name}"


class Cluster(_Work):
    """Other groups."""

    verb: Literal["cluster"] = "cluster"
    encoder: Encoder = None
    method: Literal["leiden", "kmeans", "hdbscan"] = "leiden"
    resolution: Annotated[float | None, Field(gt=0.0, le=100.0, description="Leiden: higher gives more groups.")] = None
    n_clusters: Annotated[int | None, Field(ge=2, le=1000, description="k-means: number of groups.")] = None
    min_cluster_size: Annotated[int | None, Field(ge=2, description="HDBSCAN: smallest group.")] = None
    seed: Seed = 0

    def command(self) -> list[str]:
        options = {"--method": self.method, "--resolution": self.resolution, "--clusters": self.n_clusters}
        return _on_embedding("cluster", self.name, self.encoder, options | {"--min-size": self.min_cluster_size, "--seed": self.seed})

    def title(self) -> str:
        return f"Group {self.name}"


Work = Annotated[Demo | Build | Embed | Project | Cluster, Field(discriminator="verb")]


def start(work: _Work) -> jobs.Job:
    """Start it as a job. Raises ``Busy`` where the same is being done already, and what ``command`` raises."""
    home, command = state.settings().home, work.command()
    if any(job.command == command and job.state() == "running" for job in jobs.jobs(home)):
        raise Busy(f"{work.title()!r} is being done already; wait for it or stop it.")
    return jobs.start(home, command, title=work.title(), collection=work.name)


def allowed_path(text: str) -> Path:
    """A path on the server that may be built from. Raises ``Problem``, with the same words whether or not something is there."""
    roots = state.settings().allowed_roots
    path = Path(text).expanduser()
    refusal = Problem(422, "The server may not read from there, or nothing is there; give a path under a folder it may read.")
    if "\0" in text or not path.is_absolute():
        raise Problem(422, "Give the whole path, from the top of the disk.")
    path = path.resolve()
    root = next((root for root in roots if path.is_relative_to(root)), None)
    if root is None or any(part.startswith(".") for part in path.relative_to(root).parts) or not path.exists():
        raise refusal
    return path


def _check_free(name: str, source: Path) -> None:
    try:
        present = state.collection(name)
    except CollectionMissing:
        return
    if present.record["source"]["uri"] != str(source):
        raise CollectionExists(f"There is a collection {name!r} already, made from other pictures; choose another name.")


def _on_embedding(verb: str, name: str, encoder: str | None, options: Mapping[str, object]) -> list[str]:
    state.collection(name).embedding(encoder)
    given = {"--encoder": encoder, **options}
    return [verb, *(part for option, value in given.items() if value is not None for part in (option, str(value))), "--", name]
>>>>>>> main
