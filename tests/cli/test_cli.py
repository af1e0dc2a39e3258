"""The command line as a person meets it: what it prints, how it fails, and the same after a kill."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from importlib import import_module
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest
from click.testing import CliRunner, Result
from fakes import MeanColour, write_patches
from PIL import Image as Pillow

from explorer import encoders, pipeline, settings
from explorer.cli import main
from explorer.cli.base import conditions
from explorer.cli.output import KINDS, made_by
from explorer.collection import list_collections, open_collection
from explorer.errors import InputError
from explorer.sources import open_source

VERBS = {
    "demo", "build", "inspect", "ingest", "embed", "index", "project", "cluster", "search", "show", "list", "encoders", "weights", "verify",
    "export", "rename", "remove", "app", "evaluate", "benchmark", "compare", "select", "selections", "annotate", "history", "undo",
    "name-group",
}  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with one built collection, ``patches``."""
    folder = tmp_path_factory.mktemp("cli")
    write_patches(folder / "patches", per_class=12, side_px=64)
    (folder / "patches" / "TUM" / "broken.png").write_bytes(b"\x89PNG")
    result = call(folder / "home", "build", str(folder / "patches"), "--name", "patches", "--json")
    assert result.exit_code == 0, result.output
    return folder / "home"


def call(home: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["--home", str(home), *arguments], catch_exceptions=False)


def document(result: Result) -> Any:
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def test_the_demo_calls_nobody(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each look-up of a name and each connection that leaves this machine fails a test (``no_network`` of conftest.py)."""
    monkeypatch.setattr(import_module("explorer.pipeline.build"), "DEMO_OPTIONS", {"n": 18, "patients": 3})
    done = call(tmp_path / "home", "demo", "--no-app")
    assert done.exit_code == 0 and "18 synthetic patches" in done.stdout


def test_every_verb_is_there_and_explains_itself() -> None:
    assert set(main.commands) == VERBS
    for name, command in main.commands.items():
        assert command.help, name
        options = [option for option in command.params if isinstance(option, click.Option) and not option.hidden]
        assert all(option.help or option.name in ("kind", "method") for option in options), name


def test_help_imports_no_heavy_package() -> None:
    code = "import sys, explorer.cli; print(sorted({'torch', 'faiss', 'pandas', 'pyarrow', 'sklearn', 'streamlit'} & set(sys.modules)))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_build_prints_one_document_and_progress_goes_elsewhere(home: Path, tmp_path: Path) -> None:
    result = call(tmp_path / "home", "build", str(write_patches(tmp_path / "p", per_class=3)), "--name", "p", "--json")
    shown = document(result)
    assert shown["rows"] == 9
    assert {artifact["kind"] for artifact in shown["artifacts"]} == {"thumbnails", "embeddings", "neighbours", "projections", "clusters"}
    for verb in ("ingest", "index", "project", "cluster"):  # "ingest" embeds what it reads
        assert f"{verb}:" in result.stderr


def test_show_tells_rows_rejects_columns_and_recipes(home: Path) -> None:
    shown = document(call(home, "show", "patches", "--json"))
    assert (shown["collection"], shown["rows"], shown["labels"]) == ("patches", 36, {"TUM": 12, "STR": 12, "LYM": 12})
    assert [reject["uri"] for reject in shown["rejects"]] == ["TUM/broken.png"]
    assert {"id", "uri", "label", "patient", "sha256"} <= set(shown["columns"])
    assert all(artifact["recipe"] and artifact["versions"]["numpy"] for artifact in shown["artifacts"])
    assert "rejected TUM/broken.png" in call(home, "show", "patches").stdout


def test_search_by_row(home: Path) -> None:
    found = document(call(home, "search", "patches", "--row", "3", "-k", "5", "--json"))
    assert set(found) == {"collection", "encoder", "embedding", "query", "facts", "hits", "seconds"}
    assert (found["collection"], found["encoder"]) == ("patches", "descriptor")
    assert [hit["rank"] for hit in found["hits"]] == [1, 2, 3, 4, 5]
    assert (found["query"]["like"], found["facts"]["rows"]) == ([{"row": 3}], [3])
    assert 3 not in [hit["row"] for hit in found["hits"]], "a row does not answer its own query"
    scores = [hit["score"] for hit in found["hits"]]
    assert scores == sorted(scores, reverse=True)
    assert {"rank", "row", "id", "uri", "score", "label"} <= set(found["hits"][0])


def test_search_by_picture_finds_the_same_as_by_its_row(home: Path) -> None:
    picture = home.parent / "patches" / "LYM" / "lym-004.png"
    by_picture = document(call(home, "search", "patches", "--image", str(picture), "--json"))
    (row,) = by_picture["facts"]["rows"]
    assert open_collection("patches", home=home).items["uri"].iloc[row] == "LYM/lym-004.png"
    by_row = document(call(home, "search", "patches", "--row", str(row), "--json"))
    assert row not in {hit["row"] for hit in by_picture["hits"]}
    assert {hit["row"] for hit in by_picture["hits"]} == {hit["row"] for hit in by_row["hits"]}
    with_itself = document(call(home, "search", "patches", "--row", str(row), "--include-query", "-k", "1", "--json"))
    assert [hit["row"] for hit in with_itself["hits"]] == [row]


def test_a_search_reports_that_the_patient_of_the_query_is_unknown(home: Path) -> None:
    result = call(home, "search", "patches", "--row", "0", "--exclude-same", "patient")
    assert result.exit_code == 0
    assert "The patient of the query is not known" in result.stderr


def test_search_options_filter_rows_and_exclude_the_same_patient(home: Path) -> None:
    arguments = ("search", "patches", "--row", "0", "-k", "50", "--json")
    both = document(call(home, *arguments, "--where", "label=TUM", "--where", "label=STR"))
    assert {hit["label"] for hit in both["hits"]} == {"TUM", "STR"}
    assert len(both["hits"]) == 24
    own = open_collection("patches", home=home).items["label"].iloc[0]
    others = document(call(home, *arguments, "--exclude-same", "label"))
    assert own not in {hit["label"] for hit in others["hits"]}
    assert len(others["hits"]) == 24


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["show", "nowhere"], 1, "There is no collection 'nowhere'"),
        (["search", "patches", "--row", "999"], 1, "Row 999 is not in 'patches'"),
        (["search", "patches", "--row", "0", "--where", "organ=colon"], 1, "no column 'organ'"),
        (["search", "patches", "--row", "0", "--where", "label"], 1, "not of the form"),
        (["search", "patches", "--image", "nothing.png"], 1, "no file nothing.png"),
        (["search", "patches"], 2, "Give --row N, --image FILE, --selection TITLE or --query FILE"),
        (["search", "patches", "--row", "0", "--image", "x"], 1, "no file x"),
        (["search", "patches", "--row", "0", "--row", "1", "--region", "0,0,1,1"], 2, "--region needs exactly one --row or --image"),
        (["search", "patches", "--row", "0", "--query", "query.json"], 2, "--query FILE is the whole query"),
        (["search", "patches", "--row", "0", "--encoder", "kaiko-vits16"], 1, "no embedding by kaiko-vits16"),
        (["build", "nowhere", "--name", "x"], 1, "nowhere"),
        (["build", "nowhere", "--name", "x", "--encoder", "kaiko-vits16"], 1, "nowhere does not exist"),  # and nothing is fetched
        (["build", ".", "--name", "../x"], 1, "cannot name a collection"),
        (["build", ".", "--name", "x", "--encoder", "resnet"], 1, "no encoder 'resnet'"),
        (["embed", "patches", "--encoder", "conch"], 1, "cannot be loaded here"),
        (["export", "patches", "out.doc"], 1, "does not say a format"),
        (["project", "patches", "--method", "tsne"], 2, "tsne"),
        (["fly"], 2, "fly"),
    ],
)
def test_an_error_is_one_sentence(home: Path, arguments: list[str], code: int, words: str) -> None:
    result = call(home, *arguments)
    assert result.exit_code == code
    assert words in result.stderr
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    if code == 1:
        assert len([line for line in result.stderr.splitlines() if line.startswith("explorer: ")]) == 1


def test_a_query_picture_that_cannot_be_read_is_named(home: Path) -> None:
    broken = home.parent / "patches" / "TUM" / "broken.png"
    result = call(home, "search", "patches", "--image", str(broken))
    assert result.exit_code == 1
    assert result.stderr.startswith(f"explorer: {broken} cannot be searched by: not a picture")


def test_search_says_which_row_an_equal_picture_is_but_not_for_a_query_by_row(home: Path) -> None:
    picture = home.parent / "patches" / "LYM" / "lym-003.png"
    result = call(home, "search", "patches", "--row", "1", "--image", str(picture), "-k", "2")
    assert result.stderr.count("pixel for pixel") == 1
    assert "The picture is row 3 of the collection" in result.stderr


def test_show_knows_every_kind_that_a_verb_makes() -> None:
    pipeline = Path(__file__).resolve().parents[2] / "explorer" / "pipeline"
    made = {kind for file in pipeline.rglob("*.py") for kind in re.findall(r'\.make\((?:[^,"]+, )?"(\w+)"', file.read_text("utf-8"))}
    assert {"neighbours", "clusters", "reports"} <= made <= set(KINDS)
    assert {"embeddings", "baselines"} <= set(KINDS), "embed makes one or the other"
    assert {"pictures", "thumbnails"} <= set(KINDS), "ingest publishes both"


def test_show_tells_by_what_each_artifact_was_made() -> None:
    assert made_by({"kind": "report", "protocol": "knn", "label": "tumour"}) == "knn of tumour"
    assert made_by({"kind": "clusters", "method": "leiden"}) == "leiden"
    assert made_by({"kind": "embedding", "encoder": {"name": "descriptor"}}) == "descriptor"
    assert made_by({"kind": "thumbnails"}) == ""


def test_a_missing_grouping_is_advised_for_the_encoder_that_lacks_it(tmp_path: Path) -> None:
    here = settings.read(home=tmp_path / "home", threads=1)
    made = pipeline.ingest(open_source(write_patches(tmp_path / "p", per_class=2)), name="c", settings=here)
    pipeline.embed(made, encoder=MeanColour(), settings=here)
    assert "run 'explorer index c --encoder mean-colour'" in call(here.home, "name-group", "c", "1", "x").stderr
    pipeline.index(made)
    assert "run 'explorer cluster c --encoder mean-colour'" in call(here.home, "name-group", "c", "1", "x").stderr


def test_show_names_the_columns_that_people_made(home: Path) -> None:
    assert "note_by_people" not in document(call(home, "show", "patches", "--json"))["columns"]
    call(home, "annotate", "patches", "--rows", "0", "--note", "blurred")
    assert "note_by_people" in document(call(home, "show", "patches", "--json"))["columns"]
    call(home, "undo", "patches")


def test_debug_shows_where_an_error_came_from(home: Path) -> None:
    out = subprocess.run(
        [sys.executable, "-m", "explorer", "--debug", "--home", str(home), "show", "nowhere"], capture_output=True, text=True, check=False
    )
    assert out.returncode == 1
    assert "Traceback" in out.stderr


def test_list_and_encoders_print_collections_and_models(home: Path, tmp_path: Path) -> None:
    assert [entry["name"] for entry in document(call(home, "list", "--json"))] == ["patches"]
    assert "explorer demo" in call(tmp_path, "list").stderr
    table = {row["name"]: row for row in document(call(home, "encoders", "--json"))}
    kaiko = table["kaiko-vitl14"]
    assert (kaiko["dim"], kaiko["mean"], kaiko["std"]) == (1024, [0.5] * 3, [0.5] * 3)
    assert kaiko["license"].startswith("Kaiko Non-Commercial")
    assert kaiko["weights"] == "to fetch"
    assert table["descriptor"]["weights"] == "none needed"
    assert all(row["license"] for row in table.values())


def test_verify_passes_and_then_names_the_damaged_file(tmp_path: Path) -> None:
    home = tmp_path / "home"
    call(home, "ingest", str(write_patches(tmp_path / "p", per_class=2)), "--name", "p")
    assert call(home, "verify", "p").exit_code == 0
    (blob,) = home.glob("p/thumbnails/*/thumbnails.bin")
    blob.write_bytes(blob.read_bytes()[:-1] + b"\0")
    result = call(home, "verify", "p")
    assert result.exit_code == 1
    assert "thumbnails.bin" in result.stdout


def test_export_writes_a_file_of_every_format(home: Path, tmp_path: Path) -> None:
    assert call(home, "export", "patches", str(tmp_path / "out.csv")).exit_code == 0
    assert (tmp_path / "out.csv").read_text().splitlines()[0].startswith("id,uri,label")
    told = document(call(home, "export", "patches", str(tmp_path / "out.npz"), "--json"))
    assert told == {"collection": "patches", "path": str(tmp_path / "out.npz"), "rows": 36}


def test_a_search_without_hits_says_so(home: Path) -> None:
    result = call(home, "search", "patches", "--row", "0", "--where", "label=none")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "loosen one of them" in result.stderr


def test_a_search_in_a_collection_of_one_row_mentions_no_filter(tmp_path: Path) -> None:
    home, folder = tmp_path / "home", tmp_path / "one"
    folder.mkdir()
    shutil.copy(next((write_patches(tmp_path / "p", per_class=1)).rglob("*.png")), folder / "only.png")
    assert call(home, "ingest", str(folder), "--name", "one").exit_code == 0
    assert call(home, "embed", "one").exit_code == 0
    assert call(home, "index", "one").exit_code == 0
    result = call(home, "search", "one", "--row", "0")
    assert result.exit_code == 0 and "There is no other patch in this collection." in result.stderr
    assert "filter" not in result.stderr


def test_the_home_comes_from_the_environment(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXPLORER_HOME", str(home))
    assert json.loads(CliRunner().invoke(main, ["list", "--json"]).stdout)[0]["name"] == "patches"
    monkeypatch.setenv("EXPLORER_THREADS", "many")
    result = CliRunner().invoke(main, ["list"])
    assert result.exit_code == 1
    assert "EXPLORER_THREADS" in result.stderr


def test_a_killed_run_leaves_whole_files_and_the_rerun_ends_as_an_undisturbed_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """kill -9 in ingest, embed or index: whatever is visible is whole, and the rerun ends with the same vectors and graph."""
    folder = write_patches(tmp_path / "p", per_class=40, side_px=48)
    home = tmp_path / "home"
    code = f"""
        import sys
        from pathlib import Path
        import faiss
        from explorer import encoders, settings
        from explorer.pipeline import embed, index, ingest
        from explorer.sources import open_source
        sys.modules["explorer.pipeline.ingest"].PART_ROWS = sys.modules["explorer.pipeline.embed"].BLOCK_ROWS = 32
        table = settings.read(home=Path({str(home)!r}), batch_size=8)
        encoder = encoders.load("descriptor")
        print("ready", flush=True)
        collection = ingest(open_source(Path({str(folder)!r})), name="p", settings=table)
        embed(collection, encoder=encoder, settings=table)
        index(collection)
        sys.stdin.readline()  # it never ends before it is killed
    """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    for moment_s in (0.05, 0.3, 0.9):
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        assert process.stdin is not None and process.stdout is not None
        process.stdout.readline()
        time.sleep(moment_s)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        process.stdin.close()
        process.stdout.close()
        for collection in list_collections(home):
            assert collection.verify() == []
    subprocess.run(command, check=True, capture_output=True, input=b"\n")

    monkeypatch.setattr(sys.modules["explorer.pipeline.ingest"], "PART_ROWS", 32)
    monkeypatch.setattr(sys.modules["explorer.pipeline.embed"], "BLOCK_ROWS", 32)
    table = settings.read(home=tmp_path / "other", batch_size=8)
    undisturbed = pipeline.ingest(open_source(folder), name="p", settings=table)
    pipeline.embed(undisturbed, encoder=encoders.load("descriptor"), settings=table)
    pipeline.index(undisturbed)
    killed = open_collection("p", home=home)
    assert killed.verify() == []
    assert not [path for path in killed.path.rglob("*") if ".work" in path.name]
    assert np.array_equal(killed.embedding().vectors, undisturbed.embedding().vectors)
    assert np.array_equal(killed.embedding().graph.rows, undisturbed.embedding().graph.rows)


def test_a_hostile_file_name_is_only_text(tmp_path: Path) -> None:
    folder = tmp_path / "p"
    folder.mkdir()
    name = "<img src=x onerror=alert(1)>.png"
    for i, file in enumerate((name, "näme with späces & #.png", "b.png")):
        Pillow.new("RGB", (32, 32), (200, 100 + 30 * i, 150)).save(folder / file)
    shown = document(call(tmp_path / "home", "ingest", str(folder), "--name", "p", "--json"))
    assert shown["rows"] == 3
    assert name in open_collection("p", home=tmp_path / "home").items["uri"].tolist()


CONDITIONS = ["label", "age", "age at surgery", "a>b", "size=mm"]


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        (["label=TUM"], {"label": "TUM"}),
        (["label=TUM", "label=STR"], {"label": ["TUM", "STR"]}),
        (["age>=50", "age<60"], {"age": {">=": "50", "<": "60"}}),
        (["age at surgery>5"], {"age at surgery": {">": "5"}}),
        (["a>b=3", "size=mm<=2"], {"a>b": "3", "size=mm": {"<=": "2"}}),
        (["label=x>=y"], {"label": "x>=y"}),
        (["gone<4"], {"gone": {"<": "4"}}),
        (["label="], {"label": ""}),
        ([], {}),
    ],
)
def test_conditions_are_read_as_they_are_written(texts: list[str], found: dict[str, Any]) -> None:
    assert conditions(tuple(texts), CONDITIONS) == found


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (["label"], "not of the form"),
        (["=TUM"], "not of the form"),
        (["age=5", "age>3"], "by a value and by a range"),
        (["age>3", "age=5"], "by a value and by a range"),
        (["age>3", "age>5"], "two ends by >"),
    ],
)
def test_ambiguous_conditions_are_refused(texts: list[str], words: str) -> None:
    with pytest.raises(InputError, match=words):
        conditions(tuple(texts), CONDITIONS)


def test_a_search_and_a_selection_take_a_range(home: Path) -> None:
    items = open_collection("patches", home=home).items
    middle = float(items["height_px"].median())
    found = document(call(home, "search", "patches", "--row", "0", "-k", "99", "--where", f"height_px>={middle}", "--json"))
    assert {hit["row"] for hit in found["hits"]} == set(np.flatnonzero(items["height_px"] >= middle).tolist()) - {0}
    assert found["query"]["where"] == {"height_px": {">=": str(middle)}}
    refused = call(home, "search", "patches", "--row", "0", "--where", "label>3")
    assert refused.exit_code == 1
    assert refused.stderr.count("\n") == 1
    assert "label does not hold numbers" in refused.stderr


def test_a_map_says_how_much_of_it_its_seed_decides(home: Path) -> None:
    found = document(call(home, "project", "patches", "--stability", "--json"))
    kept = found["stability"]
    assert kept["by_chance"] < kept["stability"] <= 1
    chosen = call(home, "search", "patches", "--row", "0", "-k", "99", "--where", "map_stability<=0.5", "--json")
    (made,) = open_collection("patches", home=home).artifacts("stabilities")
    assert {hit["row"] for hit in document(chosen)["hits"]} == set(np.flatnonzero(np.load(made.path / "stability.npy") <= 0.5).tolist())
    few = call(home, "select", "patches", "doubtful", "--where", "map_trustworthiness<=1")
    assert few.exit_code == 0, few.stderr
    refused = call(home, "project", "patches", "--method", "pca", "--stability")
    assert refused.exit_code == 1
    assert "PCA has no seed" in refused.stderr
