"""Weights: fetched once, whole, recorded, checked, and refused where they are not what they should be."""

from __future__ import annotations

import hashlib
import io
import json
import os
import random
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import timm
import torch
from file_server import Served, serving
from safetensors.torch import save_file

from explorer import encoders
from explorer.encoders import timm_encoder, weights
from explorer.encoders.spec import EncoderSpec
from explorer.errors import ArtifactDamaged, InputError, WeightsMissing, WeightsRefused
from explorer.storage import file_sha256
from explorer.types import Progress

SPEC = encoders.spec("kaiko-vits16")
PLACE = "/kaiko-vits16/vits16.pth"


@pytest.fixture
def server() -> Iterator[Served]:
    with serving() as served:
        yield served


@pytest.fixture(scope="session")
def vits16(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole weight file of the small model, with random content."""
    path = tmp_path_factory.mktemp("published") / "vits16.pth"
    torch.save(timm.create_model("vit_small_patch16_224", num_classes=0).state_dict(), path)
    return path


# --- fetching, with the model itself ---------------------------------------------------------------------------------


def test_the_first_use_fetches_and_the_second_does_not_ask_again(server: Served, vits16: Path, tmp_path: Path) -> None:
    server.files[PLACE] = vits16.read_bytes()
    told: list[Progress] = []

    def load() -> Any:
        return encoders.load("kaiko-vits16", weights_dir=tmp_path, mirror=server.url, device="cpu", report=told.append)

    first = load()
    assert server.paths == [PLACE]
    assert {p.verb for p in told} == {"weights"}
    assert {p.unit for p in told} == {"bytes"}
    assert [p.done for p in told] == sorted(p.done for p in told)
    assert told[-1].done == told[-1].total == vits16.stat().st_size

    told.clear()
    second = load()
    assert server.paths == [PLACE]
    assert told == []
    assert first.recipe == second.recipe
    assert first.recipe["weights_sha256"] == file_sha256(vits16)
    batch = torch.zeros(1, 3, 224, 224, dtype=torch.uint8)
    assert torch.equal(first.encode(batch), second.encode(batch))

    record = json.loads((tmp_path / "kaiko-vits16" / "vits16.pth.json").read_text())
    assert record["url"] == server.url + PLACE
    assert record["sha256"] == file_sha256(vits16)
    assert record["bytes"] == vits16.stat().st_size
    assert record["date"].startswith("20")


def test_environment_variables_set_the_folder_and_the_mirror_of_weights(
    server: Served, vits16: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.files[PLACE] = vits16.read_bytes()
    monkeypatch.setenv("EXPLORER_WEIGHTS_DIR", str(tmp_path / "there"))
    monkeypatch.setenv("EXPLORER_WEIGHTS_MIRROR", server.url + "/")
    encoders.load("kaiko-vits16", device="cpu")
    assert (tmp_path / "there" / "kaiko-vits16" / "vits16.pth").is_file()


def test_a_local_file_needs_no_network(server: Served, vits16: Path, tmp_path: Path) -> None:
    encoder = encoders.load("kaiko-vits16", weights=vits16, weights_dir=tmp_path, mirror=server.url, device="cpu")
    assert server.asked == []
    assert encoder.recipe["weights_sha256"] == file_sha256(vits16)
    assert list(tmp_path.iterdir()) == []


def test_safetensors_and_a_nested_checkpoint_are_read_too(vits16: Path, tmp_path: Path) -> None:
    tensors = torch.load(vits16, weights_only=True)
    save_file(tensors, tmp_path / "a.safetensors")
    torch.save({"model": tensors, "epoch": 3}, tmp_path / "b.pth")
    torch.save({name: t.half() for name, t in tensors.items()}, tmp_path / "c.pth")
    batch = torch.full((1, 3, 224, 224), 90, dtype=torch.uint8)
    plain, *others = (
        encoders.load("kaiko-vits16", weights=file, device="cpu", precision="fp32").encode(batch)
        for file in (vits16, tmp_path / "a.safetensors", tmp_path / "b.pth", tmp_path / "c.pth")
    )
    assert torch.equal(plain, others[0])
    assert torch.equal(plain, others[1])
    assert torch.cosine_similarity(plain, others[2]).item() == pytest.approx(1, abs=1e-4)


# --- fetching, with small files --------------------------------------------------------------------------------------


def test_a_cut_download_of_weights_is_resumed(tmp_path: Path) -> None:
    with serving() as server:
        server.files[PLACE] = content = bytes(range(256)) * 9000
        server.cuts = [1_500_000, 0]
        with pytest.raises(WeightsMissing, match=r"kaiko-vits16.*cut after 1500000 of 2304000 bytes.*--weights"):
            weights.cached(SPEC, tmp_path, mirror=server.url)
        assert not (tmp_path / PLACE[1:]).exists()
        server.asked.clear()
        found = weights.cached(SPEC, tmp_path, mirror=server.url)
        assert server.asked == [(PLACE, "bytes=1500000-")]
    assert found.path.read_bytes() == content
    kept = {p.name for p in found.path.parent.iterdir() if not p.name.endswith(".lock")}
    assert kept == {"vits16.pth", "vits16.pth.json"}


def test_a_truncated_chunked_download_is_resumed_too(server: Served, tmp_path: Path) -> None:
    server.files[PLACE], server.chunked = b"weights" * 100, 70
    with pytest.raises(WeightsMissing, match=r"kaiko-vits16.*could not be fetched.*--weights"):
        weights.cached(SPEC, tmp_path, mirror=server.url)
    assert not (tmp_path / PLACE[1:]).exists()


def test_an_invalid_mirror_address_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXPLORER_WEIGHTS_MIRROR", "foo")
    with pytest.raises(InputError, match=r"^Setting EXPLORER_WEIGHTS_MIRROR is 'foo', which is neither https"):
        encoders.load("kaiko-vits16", weights_dir=tmp_path, device="cpu")


def test_no_server_says_how_to_get_the_file_by_hand(tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing) as caught:
        weights.cached(SPEC, tmp_path, mirror="http://127.0.0.1:9")
    said = str(caught.value)
    assert "kaiko-vits16" in said
    assert "fetch http://127.0.0.1:9/kaiko-vits16/vits16.pth on a machine with network" in said
    assert "--weights" in said
    assert str(tmp_path / "kaiko-vits16" / "vits16.pth") in said


def test_missing_weight_files_are_reported(server: Served, tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing, match="Not Found"):
        weights.cached(SPEC, tmp_path, mirror=server.url)
    with pytest.raises(WeightsMissing, match=r"nowhere\.pth"):
        weights.local(SPEC, tmp_path / "nowhere.pth")


def test_the_publisher_is_asked_where_no_mirror_is_given(server: Served, tmp_path: Path) -> None:
    server.files["/there/vits16.pth"] = b"weights"
    spec = replace(SPEC, url=f"{server.url}/there/vits16.pth")
    assert weights.cached(spec, tmp_path).path.read_bytes() == b"weights"


def test_redirects_are_followed_on_this_machine_and_to_https_only(server: Served, tmp_path: Path) -> None:
    server.files["/elsewhere"] = b"weights"
    server.send_on = f"{server.url}/elsewhere"
    assert weights.cached(SPEC, tmp_path / "a", mirror=server.url).path.read_bytes() == b"weights"
    for target in ("http://example.org/vits16.pth", "ftp://example.org/vits16.pth", "file:///etc/hostname"):
        server.send_on = target
        with pytest.raises(WeightsMissing, match=r"which is not https|is not allowed"):
            weights.cached(SPEC, tmp_path / "b", mirror=server.url)


def test_a_file_put_there_by_hand_is_taken_and_recorded(server: Served, tmp_path: Path) -> None:
    path = tmp_path / "kaiko-vits16" / "vits16.pth"
    path.parent.mkdir()
    path.write_bytes(b"by hand")
    assert weights.cached(SPEC, tmp_path, mirror=server.url).sha256 == file_sha256(path)
    assert json.loads(path.with_name("vits16.pth.json").read_text())["url"] == "put here by hand"
    assert server.asked == []


@pytest.mark.parametrize("damaged", [b"", b"weight", b"weights!", b"weighTs"])
def test_a_changed_cache_is_refused_and_a_deleted_one_fetched_anew(damaged: bytes, server: Served, tmp_path: Path) -> None:
    server.files[PLACE] = b"weights"
    path = weights.cached(SPEC, tmp_path, mirror=server.url).path
    path.write_bytes(damaged)
    with pytest.raises(WeightsRefused, match=r"vits16\.pth is not the file of kaiko-vits16"):
        weights.cached(SPEC, tmp_path, mirror=server.url)
    path.unlink()
    server.files[PLACE] = b"newer weights"
    assert weights.cached(SPEC, tmp_path, mirror=server.url).path.read_bytes() == b"newer weights"


def test_a_damaged_record_is_named(server: Served, tmp_path: Path) -> None:
    server.files[PLACE] = b"weights"
    path = weights.cached(SPEC, tmp_path, mirror=server.url).path
    path.with_name("vits16.pth.json").write_text('{"sha')
    with pytest.raises(ArtifactDamaged, match=r"vits16\.pth\.json"):
        weights.cached(SPEC, tmp_path, mirror=server.url)


def test_a_file_must_have_the_published_sha256(server: Served, tmp_path: Path) -> None:
    server.files[PLACE] = b"weights"
    with pytest.raises(WeightsRefused, match=r"not the published file of kaiko-vits16.*was deleted"):
        weights.cached(replace(SPEC, sha256="0" * 64), tmp_path, mirror=server.url)
    assert [p.name for p in (tmp_path / "kaiko-vits16").iterdir() if not p.name.endswith(".lock")] == []
    (tmp_path / "right").write_bytes(b"weights")
    known = replace(SPEC, sha256=file_sha256(tmp_path / "right"))
    assert weights.cached(known, tmp_path, mirror=server.url).sha256 == known.sha256


def test_two_processes_fetch_once_and_the_one_that_waits_says_so(server: Served, tmp_path: Path) -> None:
    server.files[PLACE] = b"weights" * 100_000
    server.wait_for = threading.Event()
    code = (
        "import sys; from pathlib import Path; from explorer import encoders; from explorer.encoders import weights;"
        "spec = encoders.spec('kaiko-vits16');"
        "tell = lambda p: print(p.note, flush=True) if p.note else None;"
        "print(weights.cached(spec, Path(sys.argv[1]), mirror=sys.argv[2], report=tell).sha256, flush=True)"
    )
    command = [sys.executable, "-c", code, str(tmp_path), server.url]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]) for _ in range(2)]
    lines: list[str] = []
    one_waits = threading.Event()

    def listen(process: subprocess.Popen[str]) -> None:
        assert process.stdout
        for line in process.stdout:
            lines.append(line.strip())
            one_waits.set()

    listeners = [threading.Thread(target=listen, args=(process,)) for process in processes]
    for listener in listeners:
        listener.start()
    assert one_waits.wait(60), "neither process said anything while the server held the file back"
    server.wait_for.set()
    for process, listener in zip(processes, listeners, strict=True):
        assert process.wait(60) == 0
        listener.join()
        assert process.stdout
        process.stdout.close()
    assert lines == ["another process is fetching kaiko-vits16; waiting for it", *[file_sha256(tmp_path / PLACE[1:])] * 2]
    assert server.paths == [PLACE]


# --- the Hugging Face hub --------------------------------------------------------------------------------------------


def test_without_a_network_a_hub_model_says_what_to_fetch(tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing, match=r"fetch https://huggingface\.co/owkin/phikon-v2/resolve/main/model\.safetensors"):
        weights.cached(encoders.spec("phikon-v2"), tmp_path)
    with pytest.raises(WeightsMissing, match=r"ask its publisher at https://huggingface\.co/MahmoodLab/UNI2-h.*HF_TOKEN"):
        weights.cached(encoders.spec("uni2-h"), tmp_path)


def test_a_hub_out_of_reach_is_asked_once_and_quietly(tmp_path: Path) -> None:
    """In a process of its own: the hub's client reads its address and whether it is offline when it is imported."""
    code = (
        "import sys; from pathlib import Path; from explorer import encoders; from explorer.encoders import weights\n"
        "try: weights.cached(encoders.spec('uni2-h'), Path(sys.argv[1]))\n"
        "except Exception as error: print(type(error).__name__, error)"
    )
    hub = {"HF_ENDPOINT": "http://127.0.0.1:9", "HF_HUB_OFFLINE": "0", "no_proxy": "127.0.0.1"}
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        capture_output=True, text=True, check=True, env=os.environ | hub, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert done.stderr == ""
    assert done.stdout.startswith("WeightsMissing uni2-h has no weights at ")
    assert "refused" in done.stdout


def test_a_gated_model_says_where_to_ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import httpx
    import huggingface_hub
    from huggingface_hub.errors import GatedRepoError

    def refused(*_: Any, **__: Any) -> str:
        raise GatedRepoError("401", response=httpx.Response(401, request=httpx.Request("GET", "https://huggingface.co")))

    monkeypatch.setattr(huggingface_hub, "get_hf_file_metadata", refused)
    with pytest.raises(WeightsMissing, match=r"Virchow2.*ask its publisher at https://huggingface\.co/paige-ai/Virchow2.*HF_TOKEN"):
        weights.cached(encoders.spec("virchow2"), tmp_path)


def test_a_hub_file_ends_in_the_cache_like_any_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub

    content = b"weights of the hub"
    etag = hashlib.sha256(content).hexdigest()
    monkeypatch.setattr(huggingface_hub, "get_hf_file_metadata", lambda _: SimpleNamespace(etag=etag))
    with serving() as server:
        server.files["/hub"] = content
        monkeypatch.setattr(huggingface_hub, "hf_hub_url", lambda hub_id, file: f"{server.url}/hub")
        found = weights.cached(encoders.spec("phikon"), tmp_path)
        assert found.path == tmp_path / "phikon" / "pytorch_model.bin"
        assert found.path.read_bytes() == content
        assert weights.cached(encoders.spec("phikon"), tmp_path) == found
        assert len(server.asked) == 1
        server.files["/hub"] = b"other weights"
        with pytest.raises(WeightsRefused, match="not the published file of phikon"):
            weights.cached(encoders.spec("phikon"), tmp_path / "again")
    assert sorted(p.name for p in found.path.parent.iterdir() if p.suffix != ".lock") == ["pytorch_model.bin", "pytorch_model.bin.json"]


# --- what a file may be ----------------------------------------------------------------------------------------------


def shallow() -> tuple[EncoderSpec, dict[str, torch.Tensor]]:
    spec = replace(SPEC, kwargs={**SPEC.kwargs, "depth": 1})
    return spec, timm.create_model(spec.architecture, num_classes=0, **spec.kwargs).state_dict()


def fill(spec: EncoderSpec, file: Path) -> None:
    from explorer.encoders import checkpoints

    model = timm_encoder.build(spec)
    weights.load_strictly(spec, file, model, checkpoints.to_timm(spec, weights.read_tensors(spec, file), model))


def test_weights_of_other_models_are_refused_and_the_tensors_named(tmp_path: Path) -> None:
    spec, tensors = shallow()
    file = tmp_path / "w.pth"
    cases = {
        r"1 tensor missing \(norm\.bias\)": {k: v for k, v in tensors.items() if k != "norm.bias"},
        r"1 tensor not known to the model \(blocks\.1\.extra\)": tensors | {"blocks.1.extra": torch.zeros(1)},
        r"1 tensor of another shape \(norm\.bias 3 instead of 384\)": tensors | {"norm.bias": torch.zeros(3)},
        r"patch_embed\.proj\.weight 384x3x8x8 instead of 384x3x16x16": timm.create_model(
            "vit_small_patch8_224", num_classes=0, depth=1
        ).state_dict(),
        r"cls_token 1x1x768 instead of 1x1x384": timm.create_model("vit_base_patch16_224", num_classes=0, depth=1).state_dict(),
        r"12 tensors not known to the model \(blocks\.1\.norm1\.weight": timm.create_model(
            "vit_small_patch16_224", num_classes=0, depth=2
        ).state_dict(),
    }
    for words, content in cases.items():
        torch.save(content, file)
        with pytest.raises(WeightsRefused, match=rf"w\.pth does not fit kaiko-vits16.*{words}"):
            fill(spec, file)


def test_a_classifier_in_the_file_is_left_out(tmp_path: Path) -> None:
    spec, tensors = shallow()
    torch.save(tensors | {"head.weight": torch.zeros(1000, 384), "head.bias": torch.zeros(1000)}, tmp_path / "w.pth")
    from explorer.encoders import checkpoints

    model = timm_encoder.build(spec)
    found = checkpoints.to_timm(spec, weights.read_tensors(spec, tmp_path / "w.pth"), model)
    assert not {name for name in found if name.startswith("head.")}
    weights.load_strictly(spec, tmp_path / "w.pth", model, found)
    loaded = model.state_dict()
    assert loaded.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert torch.equal(loaded[name], tensor), name


@pytest.mark.parametrize("keep", [0, 1, 100, 50_000, -1])
@pytest.mark.parametrize("suffix", ["pth", "safetensors"])
def test_cut_files_are_refused_and_named(keep: int, suffix: str, tmp_path: Path) -> None:
    spec, tensors = shallow()
    file = tmp_path / f"w.{suffix}"
    if suffix == "pth":
        torch.save(tensors, file)
    else:
        save_file(tensors, file)
    file.write_bytes(file.read_bytes()[:keep])
    with pytest.raises(WeightsRefused, match=rf"w\.{suffix} is cut, damaged or no weight file"):
        fill(spec, file)


def other_files() -> dict[str, bytes]:
    """Files that are no checkpoints, under names that say they are."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.txt", "x")
    legacy = io.BytesIO()
    torch.save({"a": torch.zeros(30)}, legacy, _use_new_zipfile_serialization=False)
    return {
        "text": b"epochs: 10\n",
        "words": b"Not a checkpoint.\n",
        "code": b"import numpy as np\n\nnp.zeros(3)\n",
        "page": b"<!DOCTYPE html><html></html>",
        "zip": packed.getvalue(),
        "picture": b"\x89PNG\r\n\x1a\n" + bytes(40),
        "program": b"\x7fELF" + bytes(range(200)),
        "odd-protocol": b"\x80\x05K\x01.",
        "cut-legacy": legacy.getvalue()[:-20],
    }


@pytest.mark.parametrize("suffix", ["pth", "safetensors"])
@pytest.mark.parametrize("kind", other_files())
def test_files_that_are_no_checkpoints_are_refused(kind: str, suffix: str, tmp_path: Path) -> None:
    file = tmp_path / f"w.{suffix}"
    file.write_bytes(other_files()[kind])
    with pytest.raises(WeightsRefused, match=rf"w\.{suffix} .*kaiko-vits16"):
        encoders.load("kaiko-vits16", weights=file, device="cpu")


def test_random_and_flipped_bytes_are_refused_or_read(tmp_path: Path) -> None:
    file, whole, rng = tmp_path / "w.pth", io.BytesIO(), random.Random(0)
    torch.save({"a": torch.zeros(3)}, whole, _use_new_zipfile_serialization=False)
    refused = 0
    for _ in range(300):
        flipped = bytearray(whole.getvalue())
        flipped[rng.randrange(len(flipped))] = rng.randrange(256)
        for content in (flipped, rng.randbytes(rng.randint(1, 60))):
            file.write_bytes(content)
            try:
                weights.read_tensors(SPEC, file)
            except WeightsRefused:
                refused += 1
    assert refused > 300


class Trap:
    """Would write a file if it were unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return (Path.touch, (self.path,))


def test_a_file_that_would_run_code_is_refused_and_does_not(tmp_path: Path) -> None:
    spec, tensors = shallow()
    torch.save(tensors | {"x": Trap(tmp_path / "ran")}, tmp_path / "w.pth")
    with pytest.raises(WeightsRefused, match=r"w\.pth"):
        fill(spec, tmp_path / "w.pth")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "content", [[1, 2], {"a": "text"}, torch.zeros(3), {1: torch.zeros(3)}], ids=["list", "words", "tensor", "numbers"]
)
def test_files_without_named_tensors_are_refused(content: Any, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "w.pth")
    with pytest.raises(WeightsRefused, match="no table of named tensors"):
        fill(shallow()[0], tmp_path / "w.pth")
