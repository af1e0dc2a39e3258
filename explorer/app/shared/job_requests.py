"""The jobs that a browser may start: each request is validated here and converted to a command line."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from ... import encoders, jobs
from ...collection import checked_name
from ...errors import CollectionExists, CollectionMissing, InputError
from ...pipeline.evaluate.protocols import protocol
from ...sources import KINDS
from . import cache, uploads

Name = Annotated[str, Field(description="Name of the collection.")]
Encoder = Annotated[str | None, Field(description="Name of the encoder; the newest embedding's where left out.")]
Seed = Annotated[int, Field(ge=0, le=2**31 - 1)]


def _protocol(name: str) -> str:
    """The present name of a protocol. Raises ``ValueError``, as a pydantic validator must."""
    try:
        return protocol(name).name
    except InputError as error:
        raise ValueError(str(error)) from error


class _Request(BaseModel, ABC):
    model_config = ConfigDict(extra="forbid")

    name: Name

    @abstractmethod
    def command(self) -> list[str]:
        """Command-line arguments of ``explorer``. Raises ``ExplorerError`` for a request that cannot be run."""

    @abstractmethod
    def title(self) -> str:
        """Description of the job for people."""


class Demo(_Request):
    """Draw synthetic tissue and build a collection from it."""

    verb: Literal["demo"] = "demo"
    name: Name = "demo"

    def command(self) -> list[str]:
        return ["demo", "--name", checked_name(self.name)]

    def title(self) -> str:
        return "Draw the demo tissue"


class RealDemo(_Request):
    """Download real tissue and a pathology encoder, after their licences were accepted, and build a collection from them."""

    verb: Literal["demo-real"] = "demo-real"
    name: Name = "crc-val-he-7k"
    accept_licence: Annotated[bool, Field(description="The licences of pictures and model were read and are accepted.")] = False

    def command(self) -> list[str]:
        return ["demo", "--real", *(["--accept-licence"] if self.accept_licence else []), "--no-app", "--name", checked_name(self.name)]

    def title(self) -> str:
        return "Fetch real tissue"


class Build(_Request):
    """Build a collection from an upload or from a path on the server (exactly one of them)."""

    verb: Literal["build"] = "build"
    encoder: str = "descriptor"
    upload: str | None = None
    path: str | None = None
    kind: Annotated[str | None, Field(description="What it is; seen from it where left out.")] = None
    columns: Mapping[str, str | None] = Field(default={}, description="Of a table: our field -> its column, or null for no column.")
    table: Annotated[str | None, Field(description="The table among the pictures that is read, or 'none'.")] = None
    empty: Annotated[list[str] | None, Field(description="Words in a table that mean nothing is known.")] = None
    encoding: Annotated[str | None, Field(max_length=40, description="Encoding of a table that is text, where it is guessed wrongly.")] = (
        None
    )
    folders: Annotated[str | None, Field(max_length=60, description="What nested folders are, outermost first, as in patient/label.")] = (
        None
    )

    def command(self) -> list[str]:
        source = self._source()
        encoders.spec(self.encoder)
        _check_free(self.name, source)
        if self.kind not in (None, *KINDS):
            raise InputError(f"There is no kind of source called {self.kind!r}; use {', '.join(KINDS)}.")
        kind = ["--kind", self.kind] if self.kind else []
        options = [part for key, value in self.options().items() for part in ("--option", f"{key}={json.dumps(value)}")]
        return ["build", "--name", checked_name(self.name), "--encoder", self.encoder, *kind, *options, "--", str(source)]

    def options(self) -> dict[str, Any]:
        """Options of the source, never ``root``, which would let a table name files outside of the allowed folders."""
        given = {"columns": dict(self.columns) or None} | {name: getattr(self, name) for name in ("table", "empty", "encoding", "folders")}
        return {key: value for key, value in given.items() if value is not None}

    def title(self) -> str:
        return f"Build {self.name}"

    def _source(self) -> Path:
        if self.upload is not None and self.path is None:
            return uploads.find(cache.settings().home, self.upload).source().resolve()
        if self.path is not None and self.upload is None:
            return allowed_path(self.path)
        raise InputError("Say where the pictures are: either an upload or a path on the server.")


class Embed(_Request):
    """Embed a collection with another encoder, then compute its index, map and clusters."""

    verb: Literal["embed"] = "embed"
    encoder: str

    def command(self) -> list[str]:
        made_from = cache.collection(self.name).record["source"]
        encoders.spec(self.encoder)
        options = [part for key, value in made_from["options"].items() for part in ("--option", f"{key}={json.dumps(value)}")]
        return ["build", "--name", self.name, "--encoder", self.encoder, "--kind", made_from["kind"], *options, "--", made_from["uri"]]

    def title(self) -> str:
        return f"Embed {self.name} by {self.encoder}"


class Project(_Request):
    """Compute another map."""

    verb: Literal["project"] = "project"
    encoder: Encoder = None
    method: Literal["umap", "pca"] = "umap"
    n_neighbors: Annotated[int, Field(ge=2, le=30)] = 15
    min_dist: Annotated[float, Field(ge=0.0, le=1.0)] = 0.1
    seed: Seed = 0
    stability: Annotated[bool, Field(description="umap: compute it with two more seeds and measure how much stays the same.")] = False

    def command(self) -> list[str]:
        options = {"--method": self.method, "--neighbors": self.n_neighbors, "--min-dist": self.min_dist, "--seed": self.seed}
        verb, *rest = _on_embedding("project", self.name, self.encoder, options)
        return [verb, *(["--stability"] if self.stability else []), *rest]

    def title(self) -> str:
        return f"Draw the map of {self.name} again" if self.stability else f"Map {self.name}"


class Cluster(_Request):
    """Compute another clustering."""

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


class Evaluate(_Request):
    """Evaluate an embedding for a label."""

    verb: Literal["evaluate"] = "evaluate"
    encoder: Encoder = None
    protocol: Annotated[str, AfterValidator(_protocol), Field(description="retrieval, knn, linear or site-bias.")]
    label: str = "label"
    group: Annotated[str | None, Field(description="Column kept apart; patient, else slide, where left out.")] = None
    site: Annotated[str | None, Field(description="site-bias: column that says where a patch is from.")] = None
    train: Annotated[str | None, Field(description="knn, linear: collection to learn from.")] = None
    k: Annotated[int | None, Field(ge=1, description="Neighbours; the usual ones where left out.")] = None
    leave_out: Annotated[tuple[str, ...], Field(description="Classes that take no part.")] = ()
    where: Annotated[tuple[str, ...], Field(description="Only rows with COL=VALUE or COL>=NUMBER, as on the command line.")] = ()
    seed: Seed = 0

    def command(self) -> list[str]:
        if self.train is not None:
            cache.collection(self.train)
        options = {"--label": self.label, "--group": self.group, "--site": self.site, "--train": self.train, "-k": self.k}
        more = [(option, text) for option, texts in (("--leave-out", self.leave_out), ("--where", self.where)) for text in texts]
        verb, *rest = _on_embedding("evaluate", self.name, self.encoder, options | {"--seed": self.seed})
        return [verb, *(part for pair in more for part in pair), *rest, self.protocol]

    def title(self) -> str:
        return f"Measure {self.name} ({self.protocol}, {self.label})"


JobRequest = Annotated[Demo | RealDemo | Build | Embed | Project | Cluster | Evaluate, Field(discriminator="verb")]


def start(request: _Request) -> jobs.Job:
    """Start the request as a job. Raises ``Busy`` where the same job is active already, and what ``command`` raises."""
    return jobs.start(cache.settings().home, request.command(), title=request.title(), collection=request.name)


def allowed_path(text: str) -> Path:
    """The path, if the server may build from it. Raises ``InputError`` with the same message whether or not the path exists."""
    roots = cache.settings().allowed_roots
    path = Path(text).expanduser()
    refusal = InputError(
        "The server may not read from there, or nothing is there; give a path under a folder that EXPLORER_ALLOWED_ROOTS names."
    )
    if "\0" in text or not path.is_absolute():
        raise InputError("Give the whole path, from the top of the disk.")
    path = path.resolve()
    root = next((root for root in roots if path.is_relative_to(root)), None)
    if root is None or any(part.startswith(".") for part in path.relative_to(root).parts) or not path.exists():
        raise refusal
    return path


def _check_free(name: str, source: Path) -> None:
    try:
        present = cache.collection(name)
    except CollectionMissing:
        return
    if present.record["source"]["uri"] != str(source):
        raise CollectionExists(f"There is a collection {name!r} already, made from other pictures; choose another name.")


def _on_embedding(verb: str, name: str, encoder: str | None, options: Mapping[str, object]) -> list[str]:
    cache.collection(name).embedding(encoder)
    given = {"--encoder": encoder, **options}
    return [verb, *(part for option, value in given.items() if value is not None for part in (option, str(value))), "--", name]
