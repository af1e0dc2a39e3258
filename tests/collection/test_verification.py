"""Each kind of damage is named by ``verify``; none of it takes anything else down."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from explorer import storage
from explorer.cli import main
from explorer.collection import Collection, list_collections, list_damaged
from explorer.errors import ArtifactDamaged, ExplorerError

FIXTURE = Path(__file__).parents[1] / "fixtures" / "format-1"
EMBEDDING, NEIGHBOURS = "embeddings/68136814a136b679", "neighbours/c3a1bb4a0a6b22d6"
CLUSTERS = "clusters/b01c0af5fc269b4e"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return shutil.copytree(FIXTURE, tmp_path / "home" / "c")


def edit(path: Path, **fields: Any) -> None:
    """Set fields of a JSON file; None removes one, and a dot leads into an object."""
    record = json.loads(path.read_text())
    for dotted, value in fields.items():
        *above, name = dotted.split("__")
        at = record
        for step in above:
            at = at[step]
        if value is None:
            del at[name]
        else:
            at[name] = value
    path.write_text(json.dumps(record))


def honest(folder: Path, name: str) -> None:
    """Make the record agree with a changed file, as somebody who forges one would."""
    record_path = folder / ("meta.json" if (folder / "meta.json").exists() else "collection.json")
    record = json.loads(record_path.read_text())
    record["files"][name] = storage.facts(folder / name)
    record_path.write_text(json.dumps(record))


def flip(path: Path, at: int = -1) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(bytes(data))


def huge_header(path: Path) -> None:
    """A .npy file that says it holds 3.55 PiB."""
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": (10**12, 1000)})


def shorter(path: Path) -> None:
    np.save(path, np.load(path)[:-1])


def only(folder: Path, kind: str) -> Path:
    (found,) = [p for p in (folder / kind).iterdir() if not p.name.startswith(".")]
    return found


def forged(kind: str, name: str, harm: Callable[[Path], None]) -> Callable[[Path], None]:
    def do(root: Path) -> None:
        harm(only(root, kind) / name)
        honest(only(root, kind), name)

    return do


def rows_changed(change: Callable[[pd.DataFrame], pd.DataFrame]) -> Callable[[Path], None]:
    def do(root: Path) -> None:
        change(pd.read_parquet(root / "items.parquet")).to_parquet(root / "items.parquet", index=False)
        honest(root, "items.parquet")

    return do


DAMAGE: dict[str, tuple[Callable[[Path], None], str]] = {
    "a record that is a list": (lambda c: (c / "collection.json").write_text("[]"), "collection.json"),
    "a record that is cut": (lambda c: (c / "collection.json").write_text('{"format": 1'), "collection.json"),
    "a record 9000 levels deep": (lambda c: (c / "collection.json").write_text("[" * 9000), "collection.json"),
    "a number of rows that is a text": (lambda c: edit(c / "collection.json", n="x"), "collection.json"),
    "a number of rows that is a million millions": (lambda c: edit(c / "collection.json", n=10**12), "collection.json"),
    "one row more than there are": (lambda c: edit(c / "collection.json", n=19), "items.parquet"),
    "no row": (lambda c: edit(c / "collection.json", n=0), "collection.json"),
    "a number of rows that is true": (lambda c: edit(c / "collection.json", n=True), "collection.json"),
    "a record without its source": (lambda c: edit(c / "collection.json", source=None), "collection.json"),
    "a record without its files": (lambda c: edit(c / "collection.json", files={}), "collection.json"),
    "a file outside the folder": (
        lambda c: edit(c / "collection.json", files={"../x": {"sha256": "0" * 64, "bytes": 1}}),
        "collection.json",
    ),
    "a date that is none": (lambda c: edit(c / "collection.json", created="yesterday"), "collection.json"),
    "a flipped bit in the table": (lambda c: flip(c / "items.parquet", 200), "items.parquet"),
    "a flipped bit in the table of rejects": (lambda c: flip(c / "rejects.parquet", 60), "rejects.parquet"),
    "a cut table": (lambda c: (c / "items.parquet").write_bytes(b"PAR1"), "items.parquet"),
    "a table that is gone": (lambda c: (c / "items.parquet").unlink(), "items.parquet"),
    "a table of another picture": (rows_changed(lambda t: t.assign(sha256=t["sha256"].iloc[::-1].to_numpy())), "items.parquet"),
    "a table without pixel hashes": (rows_changed(lambda t: t.drop(columns="sha256")), "items.parquet"),
    "rejects that are not recorded": (lambda c: edit(c / "collection.json", rejected=5), "rejects.parquet"),
    "a flipped bit in vectors": (lambda c: flip(c / EMBEDDING / "vectors.npy"), "vectors.npy"),
    "vectors of fewer rows": (forged("embeddings", "vectors.npy", shorter), "vectors.npy"),
    "vectors of 3.55 PiB": (forged("embeddings", "vectors.npy", huge_header), "vectors.npy"),
    "vectors without a header": (forged("embeddings", "vectors.npy", lambda p: p.write_bytes(b"no")), "vectors.npy"),
    "cut vectors": (lambda c: (c / EMBEDDING / "vectors.npy").write_bytes(b"\x93NUMPY"), "vectors.npy"),
    "an embedding that lost its record": (lambda c: (c / EMBEDDING / "meta.json").unlink(), EMBEDDING),
    "a record of an embedding that is a list": (lambda c: (c / EMBEDDING / "meta.json").write_text("[]"), EMBEDDING),
    "an embedding of other pictures": (lambda c: edit(c / EMBEDDING / "meta.json", recipe__items="0" * 64), EMBEDDING),
    "a recipe that was edited": (lambda c: edit(c / NEIGHBOURS / "meta.json", recipe__k=31), NEIGHBOURS),
    "a recipe that is none": (lambda c: edit(c / NEIGHBOURS / "meta.json", recipe=[]), NEIGHBOURS),
    "files that their record does not name": (lambda c: edit(c / NEIGHBOURS / "meta.json", files={}), NEIGHBOURS),
    "an encoder without a name": (lambda c: edit(c / EMBEDDING / "meta.json", recipe__encoder__name=None), EMBEDDING),
    "facts of an index that are gone": (lambda c: edit(c / NEIGHBOURS / "meta.json", measured={}), NEIGHBOURS),
    "a flipped bit in the index": (lambda c: flip(c / NEIGHBOURS / "index.faiss", 40), "index.faiss"),
    "a graph of fewer rows": (forged("neighbours", "knn_rows.npy", shorter), "knn_rows.npy"),
    "a map of fewer rows": (forged("projections", "xy.npy", shorter), "xy.npy"),
    "groups of fewer rows": (forged("clusters", "labels.npy", shorter), "labels.npy"),
    "sizes of groups that are gone": (lambda c: edit(c / CLUSTERS / "meta.json", measured__sizes=None), CLUSTERS),
    "an embedding that others were made from is gone": (lambda c: shutil.rmtree(c / EMBEDDING), NEIGHBOURS),
    "thumbnails that end too early": (forged("thumbnails", "thumbnails.bin", lambda p: p.write_bytes(p.read_bytes()[:-9])), "offsets.npy"),
    "thumbnails of fewer rows": (forged("thumbnails", "offsets.npy", shorter), "offsets.npy"),
    "a file that nobody recorded": (lambda c: (c / CLUSTERS / "labels.npy.part").write_bytes(b"x"), "labels.npy.part"),
    "a journal that is no database": (lambda c: (c / "annotations.sqlite").write_bytes(b"x" * 5000), "annotations.sqlite"),
}


def faults_of(path: Path) -> list[str]:
    """What the command ``verify`` prints."""
    try:
        return Collection(path).verify()
    except ExplorerError as error:
        return [str(error)]


@pytest.mark.parametrize("damage", DAMAGE)
def test_verify_names_each_kind_of_damage(path: Path, damage: str) -> None:
    assert faults_of(path) == []
    harm, named = DAMAGE[damage]
    harm(path)
    faults = faults_of(path)
    assert any(named in fault for fault in faults)
    for fault in faults:
        assert len(fault.replace(str(path), "")) < 300 and fault.endswith("."), fault


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_harms_its_own_collection_only_and_raises_sentences_only(path: Path, damage: str) -> None:
    shutil.copytree(FIXTURE, path.parent / "whole")
    DAMAGE[damage][0](path)
    assert "whole" in [collection.name for collection in list_collections(path.parent)]
    for collection in list_collections(path.parent):
        looks: list[Callable[[], object]] = [
            lambda c=collection: c.table(),
            lambda c=collection: c.thumbnail(0),
            lambda c=collection: c.search(row=0, k=3).to_json(),
            lambda c=collection: c.embedding().positions(),
            lambda c=collection: c.embedding().labels(c.embedding().clusterings()[0]) if c.embedding().clusterings() else None,
            lambda c=collection: c.embedding().graph,
        ]
        for look in looks:
            try:
                look()
            except ExplorerError:
                assert collection.name == "c"
    done = CliRunner().invoke(main, ["--home", str(path.parent), "list"])
    assert done.exit_code == 0
    assert "whole" in done.stdout
    assert set(list_damaged(path.parent)) <= {"c"}


def test_there_are_as_many_kinds_of_damage_as_were_tried() -> None:
    assert len(DAMAGE) >= 23


def test_a_flipped_bit_in_large_vectors_is_seen_at_opening_where_the_setting_asks(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from explorer.collection import artifact_files

    monkeypatch.setattr(artifact_files, "CHEAP_BYTES", 0)
    flip(path / EMBEDDING / "vectors.npy")
    assert Collection(path).embedding().vectors.shape[0] == 18
    monkeypatch.setenv("EXPLORER_VERIFY", "open")
    with pytest.raises(ArtifactDamaged, match="sha256 differs"):
        _ = Collection(path).embedding().vectors
