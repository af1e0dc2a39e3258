"""Embedding, indexing, mapping and grouping a collection: the arrays on disk are those one computes by hand."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from fakes import MeanColour, write_patches

from explorer import projection, storage
from explorer import settings as settings_table
from explorer.collection import Collection
from explorer.errors import ArtifactMissing, Busy, InputError, VectorsNotFinite
from explorer.pipeline import agreement, cluster, embed, export, index, ingest, project, remove, stability
from explorer.settings import Settings
from explorer.sources import open_source
from explorer.types import Progress


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_table.read(home=tmp_path / "home", threads=2)


@pytest.fixture
def collection(tmp_path: Path, settings: Settings) -> Collection:
    folder = write_patches(tmp_path / "patches", per_class=20)
    shutil.copy(folder / "TUM" / "tum-000.png", folder / "STR" / "same-pixels.png")
    return ingest(open_source(folder), name="c", settings=settings)


def by_hand(collection: Collection) -> np.ndarray:
    encoder = MeanColour()
    import torch

    return encoder.encode(torch.stack([encoder.prepare(collection.image(row)) for row in range(collection.n)])).numpy()


def test_vectors_are_in_row_order_and_equal_pixels_are_encoded_once(collection: Collection, settings: Settings) -> None:
    encoder = MeanColour()
    embed(collection, encoder=encoder, settings=settings)
    assert np.allclose(collection.embedding().vectors, by_hand(collection), atol=1e-6)
    assert encoder.encoded == collection.n - 1
    assert collection.verify() == []


def test_a_second_run_does_nothing_and_another_recipe_does_not_mix(collection: Collection, settings: Settings) -> None:
    embed(collection, encoder=MeanColour(), settings=settings)
    again = MeanColour()
    embed(collection, encoder=again, settings=settings)
    assert again.encoded == 0
    embed(collection, encoder=MeanColour(version=2), settings=settings)
    assert len(collection.artifacts("embeddings")) == 2


class Stops(MeanColour):
    """Fails after so many pictures, as a killed process would."""

    def encode(self, batch):  # type: ignore[no-untyped-def]
        if self.encoded >= 24:
            raise KeyboardInterrupt
        return super().encode(batch)


def test_a_stopped_run_goes_on_block_by_block(collection: Collection, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["explorer.pipeline.embed"], "BLOCK_ROWS", 8)
    with pytest.raises(KeyboardInterrupt):
        embed(collection, encoder=Stops(), settings=settings_table.read(home=settings.home, batch_size=8))
    with pytest.raises(ArtifactMissing, match="explorer embed"):
        collection.embedding()
    rest = MeanColour()
    said: list[Progress] = []
    embed(collection, encoder=rest, settings=settings, report=said.append)
    assert 0 < rest.encoded <= collection.n - 1 - 16
    assert said[-1].done == said[-1].total == collection.n - 1
    assert np.allclose(collection.embedding().vectors, by_hand(collection), atol=1e-6)


class Broken(MeanColour):
    def encode(self, batch):  # type: ignore[no-untyped-def]
        out = super().encode(batch)
        out[-1, 3] = float("nan")
        return out


def test_a_vector_that_is_not_finite_names_its_row(collection: Collection, settings: Settings) -> None:
    with pytest.raises(VectorsNotFinite, match=r"row \d+"):
        embed(collection, encoder=Broken(), settings=settings)
    assert collection.artifacts("embeddings") == []


def test_a_picture_changed_since_ingest_is_refused(collection: Collection, settings: Settings, tmp_path: Path) -> None:
    shutil.copy(tmp_path / "patches" / "LYM" / "lym-001.png", tmp_path / "patches" / "LYM" / "lym-000.png")
    with pytest.raises(InputError, match=r"lym-000\.png has changed"):
        embed(collection, encoder=MeanColour(), settings=settings)


def test_a_new_collection_copies_the_vectors_it_already_knows(collection: Collection, settings: Settings, tmp_path: Path) -> None:
    embed(collection, encoder=MeanColour(), settings=settings)
    folder = write_patches(tmp_path / "more", per_class=2, seed=9)
    shutil.copytree(tmp_path / "patches" / "LYM", folder / "LYM", dirs_exist_ok=True)
    larger = ingest(open_source(folder), name="larger", settings=settings)
    encoder = MeanColour()
    made = embed(larger, encoder=encoder, settings=settings)
    known = set(collection.items["sha256"]) & set(larger.items["sha256"])
    assert encoder.encoded == larger.n - len(known) > 0
    assert made.meta["measured"]["copied"] == len(known) > 0
    assert np.allclose(larger.embedding().vectors, by_hand(larger), atol=1e-6)


@pytest.fixture
def whole(collection: Collection, settings: Settings) -> Collection:
    embed(collection, encoder=MeanColour(), settings=settings)
    index(collection)
    return collection


def test_the_graph_and_the_search_equal_brute_force(whole: Collection) -> None:
    vectors = np.array(whole.embedding().vectors)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    cosine = unit @ unit.T
    graph = whole.embedding().graph
    for row in range(whole.n):
        assert row not in graph.rows[row]
        expected = np.sort(np.delete(cosine[row], row))[::-1][: graph.rows.shape[1]]
        assert np.allclose(graph.scores[row], expected, atol=1e-5)
        hits = whole.search(row=row, k=5).hits
        assert np.allclose([hit.score for hit in hits], expected[:5], atol=1e-5)
        assert row not in [hit.row for hit in hits]


def test_filters_and_exclusions_are_inside_the_search(whole: Collection) -> None:
    hits = whole.search(row=0, k=100, where={"label": "STR"}, exclude_same=("label",)).hits
    assert {hit.label for hit in hits} == {"STR"}
    assert len(hits) == 21
    assert whole.search(row=0, k=100, where={"label": whole.items["label"].iloc[0]}, exclude_same=("label",)).hits == []


def test_a_picture_that_is_in_the_collection_is_known_by_its_row(whole: Collection) -> None:
    result = whole.search(image=whole.image(5), k=3, encoder=MeanColour())
    assert result.facts.rows == (5,)
    assert 5 not in [hit.row for hit in result.hits]
    stranger = np.full((20, 30, 3), 127, np.uint8)
    assert whole.search(image=stranger, k=3, encoder=MeanColour()).facts.rows == ()
    with pytest.raises(InputError, match="needs a query whose label is known"):
        whole.search(image=stranger, exclude_same=("label",), encoder=MeanColour())


@pytest.mark.parametrize("given", [{}, {"row": 1, "image": np.zeros((4, 4, 3), np.uint8)}, {"row": -1}, {"row": 61}])
def test_invalid_queries_are_refused_in_a_sentence(whole: Collection, given: dict[str, object]) -> None:
    with pytest.raises(InputError):
        whole.search(**given)  # type: ignore[arg-type]


def test_maps_and_clusters_are_computed_and_stored(whole: Collection) -> None:
    project(whole)
    project(whole, method="pca")
    assert whole.embedding().positions().shape == whole.embedding().positions("pca").shape == (whole.n, 2)
    assert np.isfinite(whole.embedding().positions()).all()
    made = whole.embedding().map()
    per_row = np.load(made.path / "trustworthiness.npy")
    assert per_row.shape == (whole.n,)
    assert made.meta["measured"]["trustworthiness"] == pytest.approx(per_row.mean(), abs=1e-3)
    assert 0.5 < per_row.mean() <= 1
    for method, parameters in (("leiden", {}), ("kmeans", {"n_clusters": 3}), ("hdbscan", {"min_cluster_size": 5})):
        made = cluster(whole, method=method, **parameters)
        labels = np.load(made.path / "labels.npy")
        assert labels.shape == (whole.n,)
        assert made.meta["measured"]["clusters"] == len(set(labels[labels >= 0].tolist()))
    with pytest.raises(InputError, match="choose one of"):
        project(whole, method="tsne")
    with pytest.raises(InputError, match="choose one of"):
        cluster(whole, method="dbscan")
    assert whole.verify() == []


def test_the_smallest_group_of_hdbscan_shrinks_with_the_collection(whole: Collection) -> None:
    project(whole)
    notes: list[str] = []
    made = cluster(whole, method="hdbscan", report=lambda progress: notes.append(progress.note))
    assert made.recipe["min_cluster_size"] == max(2, whole.n // 10) < 25
    assert any(f"only {whole.n} rows" in note and "instead of 25" in note for note in notes)
    notes.clear()
    made = cluster(whole, method="hdbscan", min_cluster_size=7, report=lambda progress: notes.append(progress.note))
    assert made.recipe["min_cluster_size"] == 7 and not any(notes)


def test_stability_is_that_of_the_next_two_seeds(whole: Collection) -> None:
    made = project(whole, seed=7, n_neighbors=10)
    seen: list[Progress] = []
    kept = stability(whole, made, report=seen.append)
    xy, *others = (
        projection.umap(whole.embedding().vectors, neighbours=whole.embedding().graph, n_neighbors=10, seed=seed) for seed in (7, 8, 9)
    )
    by_hand = projection.stability(xy, others=others)
    np.testing.assert_allclose(np.load(kept.path / "stability.npy"), by_hand, atol=1e-6)
    assert kept.meta["measured"]["stability"] == pytest.approx(by_hand.mean(), abs=1e-3)
    assert kept.meta["measured"]["by_chance"] == pytest.approx(15 / (whole.n - 1), abs=1e-3)
    assert [step.done for step in seen] == sorted(step.done for step in seen)
    assert seen[-1].done == seen[-1].total
    assert stability(whole, made).key == kept.key
    assert whole.verify() == []
    with pytest.raises(InputError, match="PCA has no seed"):
        stability(whole, project(whole, method="pca"))


def test_map_quality_is_available_as_columns_of_the_rows(whole: Collection, tmp_path: Path) -> None:
    bare = whole.embedding().described()
    assert set(bare) == set(whole.items)
    flat = project(whole, method="pca")
    per_row = np.load(flat.path / "trustworthiness.npy")
    assert np.array_equal(whole.embedding().described()["map_trustworthiness"], per_row)
    bent = project(whole)
    kept = np.load(stability(whole, bent).path / "stability.npy")
    described = whole.embedding().described()
    assert np.array_equal(described["map_trustworthiness"], np.load(bent.path / "trustworthiness.npy"))
    assert np.array_equal(described["map_stability"], kept)
    assert "map_stability" not in whole.embedding().described(flat)
    least = float(np.median(kept))
    hits = whole.search(row=0, k=99, where={"map_stability": {"<=": least}}).hits
    assert {hit.row for hit in hits} == set(np.flatnonzero(kept <= least).tolist()) - {0}  # the query itself
    table = pd.read_csv(export(whole, tmp_path / "out.csv"))
    np.testing.assert_allclose(table["map_stability"], kept, rtol=1e-6)


def test_a_filter_by_trust_without_a_map_is_said(whole: Collection) -> None:
    with pytest.raises(InputError, match="no column 'map_trustworthiness'"):
        whole.search(row=0, where={"map_trustworthiness": {"<=": 0.5}})


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".npz", ".h5"])
def test_export_holds_rows_map_groups_and_vectors(whole: Collection, tmp_path: Path, suffix: str) -> None:
    import h5py
    import pandas as pd

    project(whole, method="pca")
    cluster(whole, method="kmeans", n_clusters=3)
    path = export(whole, tmp_path / f"out{suffix}")
    if suffix in (".csv", ".parquet"):
        table = pd.read_csv(path) if suffix == ".csv" else pd.read_parquet(path)
        assert table["uri"].tolist() == whole.items["uri"].tolist()
        assert {"group_kmeans", "pca_x", "pca_y"} <= set(table)
    if suffix == ".parquet":
        assert np.allclose(np.stack(table["embedding"].to_list()), whole.embedding().vectors)
    if suffix == ".npz":
        with np.load(path, allow_pickle=False) as arrays:
            assert np.array_equal(arrays["vectors"], whole.embedding().vectors)
            assert arrays["column_uri"].tolist() == whole.items["uri"].tolist()
    if suffix == ".h5":
        with h5py.File(path) as file:
            assert np.array_equal(file["features"][:], whole.embedding().vectors)
            assert [uri.decode() for uri in file["items/uri"][:]] == whole.items["uri"].tolist()
    with pytest.raises(InputError, match="exists"):
        export(whole, path)
    assert export(whole, path, overwrite=True) == path


def test_kmeans_makes_no_more_groups_than_there_are_rows_unless_asked_to(tmp_path: Path, settings: Settings) -> None:
    small = ingest(open_source(write_patches(tmp_path / "small", per_class=1)), name="small", settings=settings)
    embed(small, encoder=MeanColour(), settings=settings)
    index(small)
    seen: list[Progress] = []
    made = cluster(small, method="kmeans", report=seen.append)
    assert (small.n, made.recipe["n_clusters"]) == (3, 3)
    assert "there are fewer rows than the usual 9 groups, so their number is 3" in [progress.note for progress in seen]
    with pytest.raises(InputError, match="n_clusters is 9"):
        cluster(small, method="kmeans", n_clusters=9)


def test_fewer_rows_than_neighbours_are_said_for_maps_and_groups(tmp_path: Path, settings: Settings) -> None:
    write_patches(tmp_path / "few", per_class=2)
    few = ingest(open_source(tmp_path / "few"), name="few", settings=settings)
    embed(few, encoder=MeanColour(), settings=settings)
    index(few)
    notes: list[str] = []
    project(few, report=lambda progress: notes.append(progress.note))
    cluster(few, report=lambda progress: notes.append(progress.note))
    assert f"there are only {few.n} rows, so all of them count as near instead of 15" in notes
    assert f"there are only {few.n} rows, so groups are found by {few.n - 1} neighbours instead of 15" in notes
    notes.clear()
    project(few, n_neighbors=few.n, report=lambda progress: notes.append(progress.note))
    cluster(few, n_neighbors=few.n - 1, report=lambda progress: notes.append(progress.note))
    assert not any("rows, so" in note for note in notes)


def test_a_missing_step_is_named(collection: Collection, settings: Settings) -> None:
    with pytest.raises(ArtifactMissing, match="explorer embed c"):
        index(collection)
    embed(collection, encoder=MeanColour(), settings=settings)
    with pytest.raises(ArtifactMissing, match="explorer index c"):
        project(collection)
    with pytest.raises(ArtifactMissing, match="no embedding by kaiko-vits16"):
        collection.embedding("kaiko-vits16")


def test_a_damaged_file_is_named(whole: Collection) -> None:
    path = whole.embedding().artifact.path / "vectors.npy"
    path.write_bytes(path.read_bytes()[:-1] + b"\xff")
    assert any("vectors.npy" in fault for fault in whole.verify())


@pytest.mark.parametrize("n", [1, 2, 3])
def test_collections_of_a_few_rows_pass_through_every_step(tmp_path: Path, settings: Settings, n: int) -> None:
    folder = write_patches(tmp_path / "tiny", per_class=1)
    for extra in sorted(folder.rglob("*.png"))[n:]:
        extra.unlink()
    tiny = ingest(open_source(folder), name="tiny", settings=settings)
    embed(tiny, encoder=MeanColour(), settings=settings)
    made = index(tiny)
    project(tiny)
    cluster(tiny)
    assert made.meta["measured"]["recall_at_10"] == made.meta["measured"]["graph_recall"] == 1.0
    assert [hit.rank for hit in tiny.search(row=0, k=10).hits] == list(range(1, n))
    assert np.isfinite(tiny.embedding().positions()).all()
    assert tiny.verify() == []


def test_a_damaged_embedding_elsewhere_gives_nothing(collection: Collection, settings: Settings, tmp_path: Path) -> None:
    made = embed(collection, encoder=MeanColour(), settings=settings)
    stored = np.load(made.path / "vectors.npy", mmap_mode="r+")
    stored[0] = np.nan
    stored.flush()
    twin = ingest(open_source(tmp_path / "patches"), name="twin", settings=settings)
    encoder, said = MeanColour(), list[str]()
    embed(twin, encoder=encoder, settings=settings, report=lambda progress: said.append(progress.note))
    assert encoder.encoded == twin.n - 1
    assert np.isfinite(twin.embedding().vectors).all()
    assert any("nothing is copied from 'c'" in note for note in said)


def test_steps_follow_the_embedding_they_are_given(collection: Collection, settings: Settings) -> None:
    first = embed(collection, encoder=MeanColour(), settings=settings)
    second = embed(collection, encoder=MeanColour(version=2), settings=settings)
    assert index(collection, encoder=first.key).recipe["embedding"] == first.key
    assert index(collection).recipe["embedding"] == second.key
    assert np.array_equal(collection.embedding(first.key).vectors, collection.embedding(second.key).vectors)


def test_an_encoder_with_other_weights_is_refused(whole: Collection) -> None:
    with pytest.raises(InputError, match="is not the one collection 'c' was embedded with"):
        whole.search(image=whole.image(0), encoder=MeanColour(version=2))


def test_an_unknown_patient_that_could_not_be_left_out_is_said(whole: Collection) -> None:
    assert whole.search(row=0, exclude_same=("patient",)).facts.not_excluded == ("patient",)
    assert whole.search(row=0, exclude_same=("label",)).facts.not_excluded == ()


def test_export_keeps_the_users_columns(tmp_path: Path, settings: Settings) -> None:
    folder = write_patches(tmp_path / "p", per_class=3)
    lines = [f"{path.relative_to(folder).as_posix()},{number},{number}" for number, path in enumerate(sorted(folder.rglob("*.png")))]
    (folder / "labels.csv").write_text("\n".join(["file,umap_x,score", *lines]))
    mine = ingest(open_source(folder), name="mine", settings=settings)
    assert export(mine, tmp_path / "before.csv").is_file()
    embed(mine, encoder=MeanColour(), settings=settings)
    index(mine)
    project(mine, method="umap")
    table = pd.read_csv(export(mine, tmp_path / "after.CSV"))
    assert table["umap_x"].tolist() == list(range(9))
    assert np.allclose(table["umap_x_"], mine.embedding().positions()[:, 0])
    assert {hit["score_"] for hit in mine.search(row=0, k=9, include_query=True).to_json()["hits"]} == set(range(9))


def test_verify_names_a_cut_record_and_every_other_damaged_file(whole: Collection) -> None:
    record, array = (project(whole, method=method).path / name for method, name in (("pca", "meta.json"), ("umap", "xy.npy")))
    record.write_text(record.read_text()[:40])
    array.write_bytes(array.read_bytes()[:-1])
    faults = whole.verify()
    assert [sum(str(path) in fault for fault in faults) for path in (record, array)] == [1, 1]


def test_a_csv_holds_no_formula_and_every_number_and_the_other_formats_hold_texts_as_they_are(tmp_path: Path, settings: Settings) -> None:
    folder = write_patches(tmp_path / "p", per_class=2)
    texts = ["=HYPERLINK(1)", "@SUM(1)", "-1+cmd|' /C calc'!A1", "+49 30", "-3.5e2", "plain"]
    lines = [
        f'{path.relative_to(folder).as_posix()},"{text}",-{row}'
        for row, (path, text) in enumerate(zip(sorted(folder.rglob("*.png")), texts, strict=True))
    ]
    (folder / "labels.csv").write_text("\n".join(["file,=note,score", *lines]))
    mine = ingest(open_source(folder), name="mine", settings=settings)
    embed(mine, encoder=MeanColour(), settings=settings)
    table = pd.read_csv(export(mine, tmp_path / "out.csv"), dtype={"'=note": str})
    assert table["'=note"].tolist() == ["'=HYPERLINK(1)", "'@SUM(1)", "'-1+cmd|' /C calc'!A1", "'+49 30", "-3.5e2", "plain"]
    assert table["score"].tolist() == [0, -1, -2, -3, -4, -5]
    assert pd.read_parquet(export(mine, tmp_path / "out.parquet"))["=note"].tolist() == texts


def test_a_step_that_lost_its_record_is_named_and_made_again(whole: Collection) -> None:
    made = project(whole, method="pca")
    (made.path / "meta.json").unlink()
    assert any("lost its meta.json" in fault for fault in whole.verify())
    again = project(whole, method="pca")
    assert again.key == made.key
    assert whole.verify() == []


def test_a_collection_that_a_step_works_on_is_not_removed(whole: Collection) -> None:
    with storage.in_use(whole.path), pytest.raises(Busy, match=f"collection '{whole.name}'"):
        remove(whole)
    assert whole.verify() == []
    remove(whole)
    assert not whole.path.exists()


def test_agreement_of_clusters_with_a_column_is_measured(whole: Collection) -> None:
    groups = cluster(whole, method="kmeans", n_clusters=3)
    labels = np.load(groups.path / "labels.npy")
    agrees = agreement(whole, groups, "label")
    by_hand = sum(whole.items["label"][labels == group].value_counts().iloc[0] for group in range(3)) / whole.n
    assert agrees["purity"] == pytest.approx(by_hand, abs=1e-4)
    with pytest.raises(InputError, match="no column 'organ'"):
        agreement(whole, groups, "organ")
    whole.annotations.add("label", "odd", [0, 1, 2])
    assert agreement(whole, groups, "label_by_people")["without_value"] == whole.n - 3, "a column by people like any other"
    whole.annotations.undo()
    with pytest.raises(InputError, match="kmeans has no parameter min_samples"):
        cluster(whole, method="kmeans", min_samples=3)


def test_a_query_falls_on_the_map(whole: Collection) -> None:
    project(whole)
    by_row = whole.search(row=3, k=3).facts.map_xy
    assert by_row == pytest.approx(whole.embedding().positions()[3].tolist(), abs=1e-3)
    near = np.clip(whole.image(3).astype(int) + 1, 0, 255).astype(np.uint8)
    xy = np.array(whole.search(image=near, k=3, encoder=MeanColour()).facts.map_xy)
    low, high = whole.embedding().positions().min(0), whole.embedding().positions().max(0)
    assert ((low - 1 <= xy) & (xy <= high + 1)).all()
