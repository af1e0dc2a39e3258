"""An artifact is whole or absent, whatever happens to the process that makes it."""

from __future__ import annotations

import hashlib
import json
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer import storage
from explorer.errors import ArtifactDamaged, ArtifactMissing, Busy

RECIPE = {"kind": "test", "seed": 1}


def fill(work: Path) -> dict[str, Any]:
    (work / "a.bin").write_bytes(b"abc")
    return {"seconds": 1}


def test_an_artifact_is_made_once_and_found_again(tmp_path: Path) -> None:
    made = storage.make(tmp_path, "things", RECIPE, fill)

    def never(work: Path) -> dict[str, Any]:
        raise AssertionError("made twice")

    again = storage.make(tmp_path, "things", RECIPE, never)
    assert again.path == made.path
    assert again.recipe == RECIPE
    assert again.meta["measured"] == {"seconds": 1}
    assert storage.file(again, "a.bin").read_bytes() == b"abc"
    assert storage.verify(again) == []


def test_another_recipe_is_another_artifact(tmp_path: Path) -> None:
    storage.make(tmp_path, "things", RECIPE, fill)
    storage.make(tmp_path, "things", RECIPE | {"seed": 2}, fill)
    assert len(storage.artifacts(tmp_path, "things")) == 2


def test_a_failed_run_leaves_nothing_a_reader_sees_and_keeps_its_parts(tmp_path: Path) -> None:
    def fails(work: Path) -> dict[str, Any]:
        (work / "parts" / "1").write_text("kept")
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        storage.make(tmp_path, "things", RECIPE, fails)
    assert storage.artifacts(tmp_path, "things") == []

    def goes_on(work: Path) -> dict[str, Any]:
        assert (work / "parts" / "1").read_text() == "kept"
        return fill(work)

    made = storage.make(tmp_path, "things", RECIPE, goes_on)
    assert sorted(p.name for p in made.path.iterdir()) == ["a.bin", "meta.json"]


@pytest.mark.parametrize(
    ("harm", "word"),
    [
        (lambda p: p.unlink(), "missing"),
        (lambda p: p.write_bytes(b"ab"), "2 bytes instead of 3"),
        (lambda p: p.write_bytes(b"abd"), "sha256 differs"),
    ],
)
def test_verify_names_the_damaged_file(tmp_path: Path, harm: Any, word: str) -> None:
    made = storage.make(tmp_path, "things", RECIPE, fill)
    harm(made.path / "a.bin")
    (fault,) = storage.verify(made)
    assert "a.bin" in fault
    assert word in fault


def test_a_cut_file_is_refused_when_opened(tmp_path: Path) -> None:
    made = storage.make(tmp_path, "things", RECIPE, fill)
    (made.path / "a.bin").write_bytes(b"ab")
    with pytest.raises(ArtifactDamaged, match=r"a\.bin"):
        storage.file(made, "a.bin")
    with pytest.raises(ArtifactMissing, match=r"b\.bin"):
        storage.file(made, "b.bin")


def test_a_damaged_record_is_reported(tmp_path: Path) -> None:
    made = storage.make(tmp_path, "things", RECIPE, fill)
    (made.path / "meta.json").write_text("{")
    with pytest.raises(ArtifactDamaged, match=r"meta\.json"):
        storage.find(tmp_path, "things", made.key)


def test_a_lock_held_by_another_process_is_waited_for_or_reported(tmp_path: Path) -> None:
    code = f"""
        import sys, time
        from pathlib import Path
        from explorer import storage
        with storage.locked(Path({str(tmp_path / "l")!r}), what="x"):
            print("held", flush=True)
            time.sleep(60)
    """
    holder = subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(Busy, match="Another process is writing x"), storage.locked(tmp_path / "l", what="x"):
        pass
    said = []

    def waiting() -> None:
        said.append(True)
        holder.kill()

    with storage.locked(tmp_path / "l", what="x", waiting=waiting):
        assert said == [True]
    holder.wait()
    holder.stdout.close()


def test_after_kills_at_any_moment_nothing_half_made_is_visible_and_the_next_run_ends_it(tmp_path: Path) -> None:
    code = f"""
        from pathlib import Path
        from explorer import storage
        def fill(work):
            done = len(list((work / "parts").iterdir()))
            for i in range(done, 30):
                print(i, flush=True)
                (work / "writing").write_bytes(bytes([i]) * 50_000)  # a part is whole or absent, as the steps' own are
                (work / "writing").rename(work / "parts" / f"{{i:02d}}")
            (work / "all.bin").write_bytes(b"".join((work / "parts" / f"{{i:02d}}").read_bytes() for i in range(30)))
            return {{}}
        for seed in range(1000):
            storage.make(Path({str(tmp_path)!r}), "things", {{"seed": seed}}, fill)
    """
    expected = hashlib.sha256(b"".join(bytes([i]) * 50_000 for i in range(30))).hexdigest()
    for parts in (1, 7, 29, 31, 75):
        process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, text=True)
        assert process.stdout
        for _ in range(parts):
            assert process.stdout.readline()
        process.kill()
        process.stdout.close()
        assert process.wait() == -signal.SIGKILL  # it had far more to do
        for made in storage.artifacts(tmp_path, "things"):
            assert storage.verify(made) == []
            assert hashlib.sha256((made.path / "all.bin").read_bytes()).hexdigest() == expected
    before = len(storage.artifacts(tmp_path, "things"))
    assert before >= 3  # the last two runs were killed after a whole one
    finish = textwrap.dedent(code).replace("range(1000)", f"range({before + 2})")
    subprocess.run([sys.executable, "-c", finish], check=True, stdout=subprocess.DEVNULL)
    assert len(storage.artifacts(tmp_path, "things")) == before + 2


def test_a_run_killed_between_record_and_rename_is_taken_over(tmp_path: Path) -> None:
    made = storage.make(tmp_path, "things", RECIPE, fill)
    work = made.path.with_name(f".{made.key}.work")
    made.path.rename(work)

    def never(work: Path) -> dict[str, Any]:
        raise AssertionError("made again")

    assert storage.verify(storage.make(tmp_path, "things", RECIPE, never)) == []


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-1000, 1000) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.text(max_size=5), json_values, max_size=5))
def test_a_fingerprint_stands_for_the_recipe_and_not_for_its_order(recipe: dict[str, Any]) -> None:
    key = storage.fingerprint(recipe)
    assert len(key) == 16
    assert storage.fingerprint(dict(reversed(recipe.items()))) == key
    assert storage.fingerprint(json.loads(json.dumps(recipe))) == key
    assert storage.fingerprint(recipe | {"another": 1}) != key or recipe.get("another") == 1


def test_json_is_written_whole(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    storage.write_json(path, {"a": 1})
    with pytest.raises(ValueError, match="JSON compliant"):
        storage.write_json(path, {"a": float("nan")})
    assert storage.read_json(path) == {"a": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["x.json"]
