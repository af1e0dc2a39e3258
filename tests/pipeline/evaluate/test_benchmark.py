"""``explorer benchmark`` from data to table, on miniatures."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import replicas
from click.testing import CliRunner
from sklearn.metrics import balanced_accuracy_score

from explorer import settings
from explorer.cli import main
from explorer.collection import open_collection
from explorer.errors import EncoderUnknown, InputError
from explorer.evaluation import EVA_2024, linear_probe
from explorer.evaluation.published import COLUMNS, PUBLISHED
from explorer.pipeline import benchmark
from explorer.pipeline.evaluate.benchmark import Cell, Table
from explorer.settings import Settings
from explorer.sources.benchmark_table import BENCHMARKS
from explorer.types import Progress


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A home without collections beside miniatures of three data sets."""
    replicas.shrink(monkeypatch, "crc", "mhist", "pcam")
    for name in ("crc", "mhist", "pcam"):
        getattr(replicas, name)(tmp_path / "data" / name)
    return settings.read(home=tmp_path / "home", data_dir=tmp_path / "data", device="cpu", threads=1, weights_mirror="http://127.0.0.1:9")


def run(here: Settings, *tasks: str, **given: Any) -> Table:
    return benchmark(tasks, **{"encoders": ["descriptor"], "settings": here, "max_steps": 60} | given)


def test_the_table_holds_every_column_and_the_whole_report_is_kept(here: Settings) -> None:
    table = run(here, "crc", "mhist", "pcam")
    assert [cell.column for cell in table.cells] == ["crc", "mhist", "pcam/val", "pcam/test"]
    assert table.left_out == {}
    for cell in table.cells:
        kept = json.loads((here.home / cell.artifact / "report.json").read_text())
        task = COLUMNS[cell.column].task
        assert kept["mean"] == cell.mean == pytest.approx(np.mean(kept["scores"]))
        assert len(kept["scores"]) == 5
        assert kept["classes"] == list(BENCHMARKS[task].classes)
        assert {name: kept["n"][name] for name in kept["n"]} == {
            split: replicas.COUNTS[task][split] for split in (("train", "val", "test") if cell.column == "pcam/test" else ("train", "val"))
        }
        assert kept["evaluated"] == COLUMNS[cell.column].split
        assert (kept["protocol"]["batch_size"], kept["protocol"]["patience"]) == tuple(EVA_2024[task].values())
        assert cell.selected_on_reported_split == (cell.column != "pcam/test")
    for name in ("crc", "mhist", "pcam"):
        assert open_collection(f"benchmark-{name}", home=here.home).verify() == []


def test_the_score_is_that_of_the_probe_on_the_collections_vectors(here: Settings) -> None:
    """Balanced accuracy by another library, from the confusion the report keeps; and the same call by hand."""
    (cell,) = run(here, "mhist").cells
    collection = open_collection("benchmark-mhist", home=here.home)
    x, items = np.array(collection.embedding().vectors), collection.items
    y = (items["label"] == "HP").to_numpy(dtype=np.int64)
    train, val = (np.flatnonzero(items["split"] == split) for split in ("train", "val"))
    by_hand = linear_probe(x[train], y[train], x[val], y[val], protocol="eva-2024", max_steps=60, device="cpu", **EVA_2024["mhist"])
    assert cell.mean == pytest.approx(by_hand.mean)
    confusion = np.array(json.loads((here.home / cell.artifact / "report.json").read_text())["confusion"])
    truth, predicted = (np.repeat(grid.ravel(), confusion.ravel()) for grid in np.indices(confusion.shape))
    assert cell.mean == pytest.approx(balanced_accuracy_score(truth, predicted))


def test_completed_measurements_are_reused(here: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    first = run(here, "crc")
    told: list[Progress] = []
    monkeypatch.setattr(import_module("explorer.pipeline.evaluate.benchmark"), "linear_probe", None)
    assert run(here, "crc", report=told.append) == first
    assert told == []
    with pytest.raises(TypeError):
        run(here, "crc", max_steps=61)


def test_the_other_protocol_is_another_measurement(here: Settings) -> None:
    table = run(here, "crc", protocol="eva-2025")
    kept = json.loads((here.home / table.cells[0].artifact / "report.json").read_text())
    assert (kept["protocol"]["optimizer"], kept["protocol"]["batch_size"]) == ("adamw", 256)
    assert table.baselines == {}
    assert table.cells[0].artifact != run(here, "crc").cells[0].artifact


def test_unavailable_data_or_weights_are_left_out_and_named_and_the_rest_is_measured(here: Settings) -> None:
    table = run(here, "bach", "mhist", encoders=["kaiko-vits16", "descriptor", "conch"])
    assert [(cell.encoder, cell.column) for cell in table.cells] == [("descriptor", "mhist")]
    assert set(table.left_out) == {"bach", "kaiko-vits16", "conch"}
    assert "--accept-licence" in table.left_out["bach"]
    assert "kaiko-vits16 has no weights" in table.left_out["kaiko-vits16"]


def test_a_picture_that_cannot_be_read_stops_its_task(here: Settings) -> None:
    (here.data_dir / "crc" / "CRC-VAL-HE-7K" / "TUM" / "TUM-AAAAAAAA.tif").write_bytes(b"II*\0")
    table = run(here, "crc")
    assert table.cells == ()
    assert "17 val pictures instead of 18" in table.left_out["crc"]
    assert "1 files rejected" in table.left_out["crc"]


def test_names_are_checked_before_anything_is_done(here: Settings) -> None:
    with pytest.raises(InputError, match="no benchmark 'camelyon'; choose from bach, crc, mhist, pcam"):
        run(here, "crc", "camelyon")
    with pytest.raises(InputError, match="no protocol 'eva'"):
        run(here, "crc", protocol="eva")
    with pytest.raises(EncoderUnknown, match="'resnet'"):
        run(here, "crc", encoders=["descriptor", "resnet"])
    with pytest.raises(InputError, match="at least one task"):
        run(here)
    assert not here.home.exists()


def test_a_cell_is_within_tolerance_of_the_published_score() -> None:
    """Published .943 on CRC: .925 is within .02, .920 is not."""
    facts = {"sd": 0.001, "low": 0.9, "high": 0.95, "published_sd": 0.001, "tolerance": 0.02, "selected_on_reported_split": True}
    near, far, none = (
        Cell(encoder="kaiko-vits16", column="crc", mean=mean, published=published, artifact="", **facts)
        for mean, published in ((0.925, 0.943), (0.920, 0.943), (0.920, None))
    )
    assert (near.within, far.within, none.within) == (True, False, None)
    assert near.difference == pytest.approx(-0.018)
    assert near.to_json()["within"] is True


def test_published_rows_are_those_of_the_paper() -> None:
    """Some cells read from the paper's table anew, and the shape of all of it."""
    paper = PUBLISHED["eva-2024"]
    assert paper["kaiko-vits16"] == {
        "bach": (0.797, 0.003), "crc": (0.943, 0.001), "mhist": (0.828, 0.003), "pcam/val": (0.903, 0.001), "pcam/test": (0.893, 0.005),
    }  # fmt: skip
    assert [paper[name]["bach"][0] for name in ("random-vits16", "dino-vits16", "kaiko-vitl14")] == [0.410, 0.695, 0.870]
    assert PUBLISHED["eva-2025"]["kaiko-vitb16"]["mhist"] == (0.837, None)
    assert all(set(row) == set(COLUMNS) for rows in PUBLISHED.values() for row in rows.values())


def test_the_command_prints_the_table(here: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXPLORER_DATA_DIR", str(here.data_dir))
    monkeypatch.setattr("explorer.evaluation.probe.MAX_STEPS", 60)
    monkeypatch.setitem(PUBLISHED["eva-2024"], "descriptor", dict.fromkeys(COLUMNS, (0.5, 0.01)))  # type: ignore[index]
    arguments = ["--home", str(here.home), "benchmark", "--tasks", "mhist,pcam", "--encoders", "descriptor"]
    shown = CliRunner().invoke(main, arguments, catch_exceptions=False)
    assert shown.exit_code == 0, shown.stderr
    head, measured, published, difference, *rest = shown.stdout.splitlines()
    assert head.split() == ["encoder", "MHIST*", "PCam", "val*", "PCam", "test"]
    assert measured.startswith("descriptor") and measured.count("±") == 3
    assert published.split()[:4] == ["published", "0.500", "±", "0.010"]
    assert difference.split()[0] == "difference" and difference.split()[2] in ("ok", "OUTSIDE")
    assert rest[0].split() == ["random-vits16", "published", "0.501", "±", "0.004", "0.753", "±", "0.002", "0.728", "±", "0.003"]
    assert rest[1].split()[:3] == ["dino-vits16", "published", "0.831"]
    assert rest[2].split() == ["chance", "0.500", "0.500", "0.500"]
    assert rest[3].split() == ["tolerance", "0.03", "0.02", "0.02"]
    assert "optimistic" in shown.stdout
    document = json.loads(CliRunner().invoke(main, [*arguments, "--json"], catch_exceptions=False).stdout)
    assert [cell["column"] for cell in document["cells"]] == ["mhist", "pcam/val", "pcam/test"]
    assert document["columns"]["pcam/test"]["selected_on_reported_split"] is False
    assert document["data"]["pcam"]["licence"] == "CC0 1.0"


def test_the_command_fails_where_something_is_left_out(tmp_path: Path) -> None:
    shown = CliRunner().invoke(main, ["--home", str(tmp_path), "benchmark", "--tasks", "mhist", "--encoders", "descriptor"])
    assert (shown.exit_code, shown.stdout) == (1, "")
    assert "left out mhist: MHIST is not whole" in shown.stderr
