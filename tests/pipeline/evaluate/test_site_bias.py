"""What is known of the site bias of an embedding: in Python, at build, on the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from evaluation_reports import format_4, site_bias_report
from fakes import MeanColour, write_patches

from explorer import encoders, pipeline, settings, storage
from explorer.cli import main
from explorer.collection import Collection
from explorer.errors import InputError
from explorer.evaluation import site_bias as measured_bias
from explorer.pipeline import Question
from explorer.pipeline.evaluate import site_bias
from explorer.reports.document import FORMAT, to_json
from explorer.sources import open_source
from explorer.types import Progress, Report, ignore

HOSTILE = "<b>north</b>\a"


def made(tmp_path: Path, columns: dict[str, list[Any]] | None, *, name: str = "c", report: Report = ignore) -> Collection:
    """Thirty-six patches of three tissues with these columns beside them; all steps of ``build`` but those that draw and group."""
    folder = write_patches(tmp_path / f"patches-{name}", per_class=12, side_px=48)
    files = sorted(str(path.relative_to(folder)) for path in folder.rglob("*.png"))
    if columns is not None:
        table = pd.DataFrame({"file": files, "label": [file.split("/")[0] for file in files], **columns})
        table.to_csv(folder / "labels.csv", index=False)
    own = settings.read(home=tmp_path / "home")
    collection = pipeline.ingest(open_source(folder), name=name, settings=own)
    embedding = pipeline.embed(collection, encoder=MeanColour(), settings=own)
    pipeline.index(collection)
    pipeline.measure_site_bias(collection, encoder=embedding.key, report=report)
    return collection


def alternate(*values: str) -> list[str]:
    return [values[at % len(values)] for at in range(36)]


def fake_report(
    collection: Collection, *, index: float | None, follows: str, site: str = "site", seed: int = 0, old: bool = False
) -> storage.Artifact:
    """A report with this result, as ``evaluate`` writes it, or as format 4 had it."""
    protocol = "leak" if old else "site-bias"
    recipe: dict[str, Any] = {
        "kind": "report",
        "format": 4 if old else FORMAT,
        "embedding": collection.embedding().key,
        "protocol": protocol,
        "label": "label",
        "site": site,
        "seed": seed,
    }

    def fill(work: Path) -> dict[str, Any]:
        found = site_bias_report(follows=follows, sentence=f"Neighbours follow the {site}: {index}.", label="label", site=site, value=index)
        storage.write_json(work / "report.json", format_4(found) if old else to_json(found))
        return {"encoder": "mean-colour", "value": {"value": index, "low": index, "high": index}}

    return collection.make("reports", recipe, fill)


def test_build_measures_site_bias_and_clusters(tmp_path: Path) -> None:
    made(tmp_path, {"site": alternate("A", "B")}, name="first")
    collection = pipeline.build(tmp_path / "patches-first", name="c", settings=settings.read(home=tmp_path / "home"))
    (report,) = collection.artifacts("reports")
    assert pipeline.read_report(report).results.clusters.sentence


def test_site_bias_is_measured_where_there_are_two_sites(tmp_path: Path) -> None:
    collection = made(tmp_path, {"site": alternate("A", "B")})
    (report,) = collection.artifacts("reports")
    assert (report.recipe["protocol"], report.recipe["site"]) == ("site-bias", "site")
    known = pipeline.site_bias(collection)
    assert known is not None
    assert known.report == report.key
    assert known.sentence == pipeline.read_report(report).results.site_bias.sentence
    assert known.state == ("site" if pipeline.read_report(report).results.site_bias.follows == "site" else "fair")


@pytest.mark.parametrize("columns", [None, {"site": ["A"] * 36}, {"patient": [None] * 36}])
def test_without_two_sites_there_is_no_verdict(tmp_path: Path, columns: dict[str, list[Any]] | None) -> None:
    collection = made(tmp_path, columns)
    assert collection.artifacts("reports") == []
    assert pipeline.site_bias(collection) is None


def test_a_class_that_comes_from_its_own_site_is_warned_of(tmp_path: Path) -> None:
    collection = made(tmp_path, {"site": ["A"] * 12 + ["B"] * 12 + ["C"] * 12})
    assert collection.artifacts("reports") == []
    known = pipeline.site_bias(collection)
    assert known is not None
    assert known.warns
    assert known.sentence.startswith("Here label and site coincide")


def test_slides_of_one_tissue_each_are_no_reason_to_warn(tmp_path: Path) -> None:
    """Searches leave out the own slide by default, and slides labelled as a whole are the rule."""
    assert pipeline.site_bias(made(tmp_path, {"slide": [f"s{at // 4}" for at in range(36)]})) is None


def test_the_scanner_is_used_where_all_rows_are_of_one_site(tmp_path: Path) -> None:
    collection = made(tmp_path, {"site": ["A"] * 36, "scanner": alternate("x", "y")})
    (report,) = collection.artifacts("reports")
    assert report.recipe["site"] == "scanner"


def test_a_large_collection_is_left_unmeasured_and_that_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site_bias, "MOST_ROWS", 35)
    collection = made(tmp_path, {"site": alternate("A", "B")})
    assert collection.artifacts("reports") == []
    known = pipeline.site_bias(collection)
    assert known is not None
    assert (known.state, known.warns, known.site, known.report) == ("unmeasured", False, "site", None)
    assert known.sentence == "Whether neighbours follow the site more than the tissue has not been measured."


def test_a_build_goes_on_where_site_bias_cannot_be_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise InputError("There are too few rows; add some.")

    monkeypatch.setattr(site_bias, "evaluate", refuse)
    seen: list[Progress] = []
    made(tmp_path, {"site": alternate("A", "B")}, report=seen.append)
    assert seen[-1].note == "whether neighbours follow the site was not measured: There are too few rows; add some."


def test_the_worst_of_the_newest_reports_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site_bias, "MOST_ROWS", 0)
    collection = made(tmp_path, {"site": alternate("A", "B")})
    fake_report(collection, index=0.9, follows="label")
    assert pipeline.site_bias(collection).state == "fair"  # type: ignore[union-attr]
    bad = fake_report(collection, index=0.2, follows="site", site="scanner")
    known = pipeline.site_bias(collection)
    assert known is not None
    assert (known.state, known.site, known.report) == ("site", "scanner", bad.key)
    fake_report(collection, index=0.8, follows="label", site="scanner", seed=1)  # measured again
    assert pipeline.site_bias(collection).state == "fair"  # type: ignore[union-attr]
    fake_report(collection, index=None, follows="neither", site="ward")
    assert pipeline.site_bias(collection).state == "fair"  # type: ignore[union-attr]


def test_a_report_of_an_older_version_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Format 4 called the protocol "leak"."""
    monkeypatch.setattr(site_bias, "MOST_ROWS", 0)
    collection = made(tmp_path, {"site": alternate("A", "B")})
    old = fake_report(collection, index=0.2, follows="site", old=True)
    known = pipeline.site_bias(collection)
    assert known is not None
    assert (known.state, known.report, known.sentence) == ("site", old.key, "Neighbours follow the site: 0.2.")
    assert {score.measure.protocol for score in pipeline.scores([collection])} == {"site-bias"}


def test_each_embedding_has_its_own_site_bias(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    collection = made(tmp_path, {"site": alternate("A", "B")})
    fake_report(collection, index=0.1, follows="site", seed=5)
    pipeline.embed(collection, encoder=encoders.load("descriptor"), settings=settings.read(home=tmp_path / "home"))
    assert pipeline.site_bias(collection, "mean-colour").state == "site"  # type: ignore[union-attr]
    assert pipeline.site_bias(collection, "descriptor").state == "unmeasured"  # type: ignore[union-attr]


def test_a_search_on_the_command_line_warns_of_site_bias_only(tmp_path: Path) -> None:
    collection = made(tmp_path, {"site": alternate("A", "B")})
    fake_report(collection, index=0.1, follows="site", site=HOSTILE)
    call = ["--home", str(tmp_path / "home"), "search", "c", "--row", "0"]
    plain = CliRunner().invoke(main, call, catch_exceptions=False)
    assert "Neighbours follow the <b>north</b>" in plain.stderr
    assert "\a" not in plain.stderr
    found = json.loads(CliRunner().invoke(main, [*call, "--json"], catch_exceptions=False).stdout)
    assert found["site_bias"]["state"] == "site"
    assert found["site_bias"]["site"] == HOSTILE
    fake_report(collection, index=0.9, follows="label", site=HOSTILE, seed=1)
    plain = CliRunner().invoke(main, call, catch_exceptions=False)
    assert "Neighbours" not in plain.stderr
    none = made(tmp_path, None, name="none")
    found = CliRunner().invoke(main, ["--home", str(tmp_path / "home"), "search", none.name, "--row", "0", "--json"])
    assert "site_bias" not in json.loads(found.stdout)


@pytest.fixture(scope="module")
def oral(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Collection:
    """Real tissue of two classes at two magnifications; anyone can see the magnification."""
    own = settings.read(home=tmp_path_factory.mktemp("oral"))
    collection = pipeline.ingest(open_source(shared_data / "oral_binary"), name="oral", settings=own)
    pipeline.embed(collection, encoder=MeanColour(), settings=own)
    return collection


def test_bias_by_magnification_is_detected_on_real_tissue(oral: Collection) -> None:
    assert pipeline.site_bias(oral) is None
    pipeline.evaluate(oral, Question("site-bias", site="magnification"))
    known = pipeline.site_bias(oral)
    assert known is not None
    assert known.state == "site"
    assert known.sentence.startswith("Neighbours follow the magnification more than the tissue: 0.")


def test_permuted_columns_of_real_tissue_are_at_chance(oral: Collection) -> None:
    """Votes share neighbours, so single intervals are somewhat narrow; over permutations nothing may lean to either side."""
    vectors, label, site = np.array(oral.embedding().vectors), oral.items["label"].to_numpy(), oral.items["magnification"].to_numpy()
    beyond, held = [], 0
    for seed in range(20):
        permuted = np.random.default_rng(seed).permutation(oral.n)
        report = measured_bias(vectors, label, sites=site[permuted])
        beyond.append(report.site_accuracy.value - report.site_accuracy_by_chance)
        held += report.site_accuracy.low < report.site_accuracy_by_chance < report.site_accuracy.high
        assert report.follows != "site"
    assert abs(float(np.mean(beyond))) < 0.025
    assert held >= 12
    without_tissue = measured_bias(vectors, label[permuted], sites=site)
    assert without_tissue.follows == "site"


def test_copies_and_the_order_of_rows_of_real_tissue_do_not_matter(oral: Collection) -> None:
    vectors, label, site = np.array(oral.embedding().vectors), oral.items["label"].to_numpy(), oral.items["magnification"].to_numpy()
    group = np.arange(oral.n) // 4
    rows = np.random.default_rng(0).permutation(np.concatenate([np.arange(oral.n), np.arange(50)]))
    one = measured_bias(vectors, label, sites=site, groups=group)
    other = measured_bias(vectors[rows], label[rows], sites=site[rows], groups=group[rows])
    assert (one.robustness, one.site_accuracy, one.counts) == (other.robustness, other.site_accuracy, other.counts)
    assert other.n_copies == 50
