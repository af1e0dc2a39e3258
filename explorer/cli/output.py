"""Formats for standard output."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from ..wording import counted

if TYPE_CHECKING:
    from ..collection import Collection
    from ..search import Hit
    from ..storage import Artifact

KINDS = (
    "pictures",
    "thumbnails",
    "embeddings",
    "neighbours",
    "projections",
    "stabilities",
    "clusters",
    "baselines",
    "anchors",
    "reports",
    "selections",
    "benchmarks",
)


def echo_json(value: Any) -> None:
    """Print one JSON document."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=1, allow_nan=False))


def printable(text: str) -> str:
    """Text without control characters, because a name might contain commands to the terminal."""
    return "".join(character if character.isprintable() else "�" for character in text)


def echo_table(records: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> None:
    """Print a table with columns as wide as their longest cell."""
    lines = [list(columns), *([_cell(record.get(column)) for column in columns] for record in records)]
    widths = [max(len(line[at]) for line in lines) for at in range(len(columns))]
    for line in lines:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def echo_hits(hits: Iterable[Hit], *, filtered: bool) -> None:
    """Print one line per hit; where there is none, whether filters are the reason."""
    records = [{"rank": hit.rank, "score": f"{hit.score:.3f}", "row": hit.row, "label": hit.label, "uri": hit.uri} for hit in hits]
    if records:
        echo_table(records, ("rank", "score", "row", "label", "uri"))
    else:
        left = "No patch is left after the filters; loosen one of them." if filtered else "There is no other patch in this collection."
        click.echo(left, err=True)


def echo_artifact(artifact: Artifact, *, as_json: bool, more: Mapping[str, Any] | None = None) -> None:
    """Print the recipe and measurements of an artifact, and ``more``."""
    if as_json:
        echo_json(artifact_json(artifact) | dict(more or {}))
    else:
        click.echo(f"{artifact.path}  {json.dumps(artifact.meta['measured'] | dict(more or {}), ensure_ascii=False)}")


def echo_collection(collection: Collection, *, as_json: bool) -> None:
    """Print what a collection contains."""
    found = summary(collection)
    if as_json:
        echo_json(found)
        return
    click.echo(f"{collection.name}: {counted(found['rows'], 'row')}, {len(found['rejects'])} rejected, from {found['source']['uri']}")
    if found["labels"]:
        click.echo("labels: " + ", ".join(f"{label} {count}" for label, count in found["labels"].items()))
    click.echo("columns: " + ", ".join(found["columns"]))
    for artifact in found["artifacts"]:
        click.echo(printable(f"{artifact['kind']}/{artifact['key']}  {made_by(artifact['recipe'])}".rstrip()))
    for reject in found["rejects"][:20]:
        click.echo(f"rejected {reject['uri']}: {reject['reason']}")
    if len(found["rejects"]) > 20:
        click.echo(f"... and {len(found['rejects']) - 20} more; --json lists them all")


def summary(collection: Collection) -> dict[str, Any]:
    """The document ``explorer show --json`` prints."""
    return {
        "collection": collection.name,
        "rows": collection.n,
        "rejects": collection.rejects.to_dict("records"),
        "labels": {str(k): int(v) for k, v in collection.items["label"].value_counts().items()},
        "columns": [str(column) for column in collection.table().columns],
        "source": dict(collection.record["source"]),
        "created": collection.record["created"],
        "artifacts": [artifact_json(a) for kind in KINDS for a in collection.artifacts(kind)],
    }


def made_by(recipe: Mapping[str, Any]) -> str:
    """The encoder, method, or protocol and label of a recipe; empty where it has none of them."""
    if "protocol" in recipe:
        return f"{recipe['protocol']} of {recipe['label']}" if recipe.get("label") else str(recipe["protocol"])
    return str(recipe.get("method") or recipe.get("encoder", {}).get("name") or "")


def artifact_json(artifact: Artifact) -> dict[str, Any]:
    """An artifact's identity and record."""
    keep = ("recipe", "measured", "created", "versions")
    return {"kind": artifact.path.parent.name, "key": artifact.key} | {name: artifact.meta[name] for name in keep}


def _cell(value: Any) -> str:
    from ..search import plain

    return printable("" if plain(value) is None else str(value))
