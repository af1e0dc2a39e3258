"""The command ``compare``."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import ArtifactMissing
from .base import AS_JSON, open_named, verb
from .output import echo_json, echo_table
from .progress import Bars
from .query_options import asks, query_of, query_options

if TYPE_CHECKING:
    import pandas as pd

    from ..collection import Collection
    from ..evaluation import OverlapReport
    from ..settings import Settings

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@click.option("--encoder", "wanted", multiple=True, help="Compare these only; repeat for several.  [default: all]")
@click.option("-k", default=10, show_default=True, help="Neighbours of a patch that are compared, and hits of a query.")
@click.option("--least", default=12, show_default=True, help="Patches to list on which two encoders agree least.")
@query_options
@click.option("--csv", type=_FILE, default=None, help="Write the table of scores there.")
@click.option(
    "--per-row", type=_FILE, default=None, help="Write there, as CSV, the share of neighbours that two encoders agree on, by row."
)
@AS_JSON
@verb
def compare(settings: Settings, report: Bars, *, names: Sequence[str], as_json: bool, **given: Any) -> None:
    """Compare the encoders of collections: their scores, their agreement on neighbours, and their hits for one query."""
    import pandas as pd

    from ..pipeline import defused, gaps, scores

    collections = [open_named(settings, name) for name in dict.fromkeys(names)]
    used = {each.name: _encoders(each, given["wanted"]) for each in collections}
    found = scores(collections)
    table = [score for score in found if score.line.encoder in used[score.line.collection]]
    missing = [gap for gap in gaps(collections, found) if gap.line.encoder in used[gap.line.collection]]
    pairs = [(each, pair) for each in collections for pair in combinations(used[each.name], 2)]
    overlaps = [(each, pair, _overlap(each, pair, given["k"])) for each, pair in pairs]
    document = {
        "scores": [score.to_json() for score in table],
        "missing": [gap.to_json() for gap in missing],
        "overlap": [_agreement(each, pair, found, given["least"]) for each, pair, found in overlaps],
        "query": [_query(settings, each, used[each.name], given) for each in collections] if asks(given) else [],
    }
    report.close()
    if given["csv"] is not None:
        defused(pd.DataFrame(document["scores"])).to_csv(given["csv"], index=False)
    if given["per_row"] is not None:
        by_row = [_by_row(each, pair, found) for each, pair, found in overlaps if not isinstance(found, ArtifactMissing)]
        defused(pd.concat([pd.DataFrame(), *by_row])).to_csv(given["per_row"], index=False)
    if as_json:
        echo_json(document)
    else:
        _echo(document)


def _encoders(collection: Collection, wanted: Sequence[str]) -> list[str]:
    for name in wanted:
        collection.embedding(name)
    return [name for name in collection.encoder_names() if not wanted or name in wanted]


def _overlap(collection: Collection, pair: tuple[str, str], k: int) -> OverlapReport | ArtifactMissing:
    from ..pipeline import overlap

    try:
        return overlap(collection, *pair, k=k)
    except ArtifactMissing as missing:  # the scores can be told all the same
        return missing


def _agreement(collection: Collection, pair: tuple[str, str], found: OverlapReport | ArtifactMissing, n_least: int) -> dict[str, Any]:
    from ..pipeline import least_agreed

    document: dict[str, Any] = {"collection": collection.name, "encoders": list(pair)}
    if isinstance(found, ArtifactMissing):
        return document | {"missing": str(found)}
    document |= found.to_json()
    shares = document.pop("per_row")
    rows = least_agreed(found, n_least)
    return document | {
        "least_agreed": [{"row": row, "share": round(shares[row], 6), "uri": collection.items["uri"].iloc[row]} for row in rows]
    }


def _by_row(collection: Collection, pair: tuple[str, str], found: OverlapReport) -> pd.DataFrame:
    import pandas as pd

    columns = {"collection": collection.name, "encoder": pair[0], "other": pair[1], "row": range(found.n)}
    return pd.DataFrame(columns | {"id": collection.items["id"], "share": found.per_row})


def _query(settings: Settings, collection: Collection, names: Sequence[str], given: dict[str, Any]) -> dict[str, Any]:
    from ..pipeline import shared_hits

    query = query_of(given, collection, settings)
    results = [collection.search(query, encoder=name) for name in names]
    shared = shared_hits(results)
    answers = [{"encoder": each.encoder, "hits": [hit.to_json() | {"shared": hit.row in shared} for hit in each.hits]} for each in results]
    return {"collection": collection.name, "query": query.to_json(pixels=False), "answers": answers}


def _echo(document: dict[str, Any]) -> None:
    if document["scores"]:
        cells = [
            {
                "collection": each["collection"],
                "encoder": each["encoder"] + ("" if each["embedding"] == "newest" else f" ({each['embedding']})"),
                "label": each["label"],
                "kept apart": each["kept_apart"] or "nothing",
                "learnt from": each["learnt_from"] or "itself",
                "rows": each["rows"] or "all",
                "score": each["title"],
                "value": "unknown" if each["value"] is None else f"{each['value']:.3f}",
                "95 % interval": "" if each["low"] is None else f"{each['low']:.3f} to {each['high']:.3f}",
                "chance": "" if each["chance"] is None else f"{each['chance']:.3f}",
            }
            for each in sorted(document["scores"], key=_comparable)
        ]
        echo_table(cells, list(cells[0]))
    for each in document["overlap"]:
        if "missing" in each:
            click.echo(each["missing"], err=True)
            continue
        mean = each["mean"]
        click.echo(f"\n{each['collection']}, {' and '.join(each['encoders'])}: {each['sentence']}")
        interval = "interval not known" if mean["low"] is None else f"{mean['low']:.3f} to {mean['high']:.3f}"
        click.echo(f"overlap@{each['protocol']['k']} {mean['value']:.3f} ({interval}), chance {each['chance']:.3f}")
        click.echo("agreed on least: rows " + ", ".join(str(one["row"]) for one in each["least_agreed"]))
    for each in document["query"]:
        for answer in each["answers"]:
            click.echo(f"\n{each['collection']}, {answer['encoder']}")
            echo_table(
                [hit | {"score": f"{hit['score']:.3f}", "shared": "yes" if hit["shared"] else ""} for hit in answer["hits"]],
                ("rank", "score", "row", "label", "uri", "shared"),
            )
    if document["missing"]:
        click.echo("\nNot measured yet:", err=True)
    for each in document["missing"]:
        click.echo(f"  {shlex.join(each['command'])}", err=True)


def _comparable(record: dict[str, Any]) -> tuple[str, ...]:
    """Sort key that puts comparable numbers next to each other."""
    return tuple(str(record[name]) for name in ("collection", "label", "kept_apart", "learnt_from", "rows", "protocol", "title", "encoder"))
