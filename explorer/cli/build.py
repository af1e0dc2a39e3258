"""Commands that create collections and artifacts."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .app import app
from .base import AS_JSON, ENCODER, KIND, NAME, NEW_ENCODER, OPTIONS, SEED, WEIGHTS, load_encoder, open_named, pairs, verb
from .output import echo_artifact, echo_collection, echo_hits, echo_json, summary
from .progress import Bars

if TYPE_CHECKING:
    from ..settings import Settings


@click.command()
@click.option("--name", default=None, help="Name of the collection.  [default: demo, or crc-val-he-7k with --real]")
@click.option("--real", is_flag=True, help="Fetch real tissue (CRC-VAL-HE-7K) and the kaiko ViT-S/16 instead.")
@click.option("--accept-licence", is_flag=True, help="Accept the licences that --real shows, without being asked.")
@click.option("--app/--no-app", "serve", default=None, help="Serve the app afterwards.  [default: in a terminal]")
@AS_JSON
@click.pass_context
def demo(ctx: click.Context, *, name: str | None, real: bool, accept_licence: bool, serve: bool | None, as_json: bool) -> None:
    """Draw synthetic tissue (or fetch real one), build a collection from it, search it, and show it in the app."""
    from ..pipeline import demo as drawn
    from ..pipeline import demo_real

    if real:
        accept_licence = _accepted(ctx.obj, given=accept_licence)
    with Bars() as report:
        if real:
            collection = demo_real(name=name or "crc-val-he-7k", accept_licence=accept_licence, settings=ctx.obj, report=report)
        else:
            collection = drawn(name=name or "demo", settings=ctx.obj, report=report)
    result = collection.search(row=0, k=5, exclude_same=() if real else ("patient",))
    if as_json:
        echo_json(summary(collection) | {"search": result.to_json()})
    else:
        kind = "patches of real tissue" if real else "synthetic patches"
        click.echo(f"\n{collection.n} {kind} are in {collection.path}{'' if real else '; none of them is real tissue'}.")
        click.echo(f"Patches like row 0 ({collection.items['label'].iloc[0]}){'' if real else ', from other patients'}:\n")
        echo_hits(result.hits, filtered=False)
        click.echo("\nNext: explorer app        your own folder: explorer build FOLDER --name NAME")
    if serve or (serve is None and not as_json and sys.stdout.isatty()):
        ctx.invoke(app)


def is_terminal() -> bool:
    """True if a user can answer questions on this terminal."""
    return sys.stdin.isatty()


def _accepted(settings: Settings, *, given: bool) -> bool:
    """Show the licences, and ask for consent where something has to be downloaded and a user can answer."""
    from ..pipeline import real_terms, real_to_fetch

    for line in real_terms():
        click.echo(line, err=True)
    missing = real_to_fetch(settings)
    if given or not missing or not is_terminal():
        return given
    return click.confirm(f"Fetch {' and '.join(missing)} under these licences?", err=True)


@click.command()
@click.argument("source")
@click.option("--name", required=True, help="Name of the collection.")
@KIND
@NEW_ENCODER
@WEIGHTS
@OPTIONS
@AS_JSON
@verb
def build(
    settings: Settings, report: Bars, *, source: str, kind: str | None, as_json: bool, options: tuple[str, ...], **given: Any
) -> None:
    """Ingest, embed, index, project and cluster SOURCE: a folder, zip, table, HDF5 file, or 'synthetic'."""
    from ..pipeline import build as run
    from ..sources import open_source

    pictures = open_source(source, kind=kind, options=pairs(options, json_values=True), limits=settings.limits)
    collection = run(pictures, settings=settings, report=report, **given)
    report.close()
    echo_collection(collection, as_json=as_json)


@click.command()
@click.argument("source")
@click.option("--name", required=True, help="Name of the collection.")
@KIND
@OPTIONS
@AS_JSON
@verb
def ingest(settings: Settings, report: Bars, *, source: str, name: str, kind: str | None, options: tuple[str, ...], as_json: bool) -> None:
    """Read every picture of SOURCE once: rows, rejects, thumbnails."""
    from ..pipeline import ingest as run
    from ..sources import open_source

    pictures = open_source(source, kind=kind, options=pairs(options, json_values=True), limits=settings.limits)
    collection = run(pictures, name=name, settings=settings, report=report)
    report.close()
    echo_collection(collection, as_json=as_json)


@click.command()
@NAME
@NEW_ENCODER
@WEIGHTS
@AS_JSON
@verb
def embed(settings: Settings, report: Bars, *, name: str, encoder: str, weights: Path | None, as_json: bool) -> None:
    """Turn every patch into a vector."""
    from ..pipeline import embed as run

    ready = load_encoder(settings, report, encoder, weights)
    echo_artifact(run(open_named(settings, name), encoder=ready, settings=settings, report=report), as_json=as_json)


@click.command()
@NAME
@ENCODER
@click.option("--kind", type=click.Choice(["auto", "flat", "ivf", "ivf-refine"]), default="auto", show_default=True)
@click.option("-k", "--k", "k", type=click.IntRange(2, 1000), default=30, show_default=True, help="Neighbours kept per patch in the graph.")
@SEED
@AS_JSON
@verb
def index(settings: Settings, report: Bars, *, name: str, as_json: bool, **given: Any) -> None:
    """Build the search index and the nearest-neighbour graph."""
    from ..pipeline import index as run

    echo_artifact(run(open_named(settings, name), device=settings.device, report=report, **given), as_json=as_json)


@click.command()
@NAME
@ENCODER
@click.option("--method", type=click.Choice(["umap", "pca"]), default="umap", show_default=True)
@click.option("--neighbors", "n_neighbors", default=15, show_default=True, help="UMAP: patches that count as near.")
@click.option("--min-dist", default=0.1, show_default=True, help="UMAP: how tightly points may pack.")
@SEED
@click.option(
    "--stability",
    "twice",
    is_flag=True,
    help="UMAP: compute it with two more seeds and measure how much stays the same. Takes three times as long.",
)
@AS_JSON
@verb
def project(settings: Settings, report: Bars, *, name: str, twice: bool, as_json: bool, **given: Any) -> None:
    """Lay the patches out on a map."""
    from ..pipeline import project as run
    from ..pipeline import stability

    collection = open_named(settings, name)
    artifact = run(collection, report=report, **given)
    stability_facts = stability(collection, artifact, report=report).meta["measured"] if twice else {}
    report.close()
    echo_artifact(artifact, as_json=as_json, more={"stability": stability_facts} if stability_facts else {})


@click.command()
@NAME
@ENCODER
@click.option("--method", type=click.Choice(["leiden", "kmeans", "hdbscan"]), default="leiden", show_default=True)
@click.option("--resolution", type=float, default=None, help="Leiden: higher gives more groups.")
@click.option("--clusters", "n_clusters", type=int, default=None, help="k-means: number of groups.")
@click.option("--min-size", "min_cluster_size", type=int, default=None, help="HDBSCAN: smallest group.")
@SEED
@click.option("--against", default=None, metavar="COL", help="Say how far the groups agree with this column.")
@AS_JSON
@verb
def cluster(settings: Settings, report: Bars, *, name: str, against: str | None, as_json: bool, **given: Any) -> None:
    """Sort the patches into groups."""
    from ..pipeline import agreement
    from ..pipeline import cluster as run

    chosen = {key: value for key, value in given.items() if value is not None}
    collection = open_named(settings, name)
    artifact = run(collection, report=report, **chosen)
    agrees = agreement(collection, artifact, against) if against else {}
    report.close()
    echo_artifact(artifact, as_json=as_json, more={"agreement": agrees} if agrees else {})
