"""Fetching: resumed, checked, unpacked; nothing half-done is ever taken for the data set."""

from __future__ import annotations

import io
import json
import stat
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import replicas
from file_server import Served, serving

from explorer.errors import SourceError, UnsafeArchive
from explorer.sources import open_source
from explorer.sources.benchmark_table import BENCHMARKS, Remote
from explorer.sources.fetch import fetch
from explorer.types import Limits, Progress


@pytest.fixture
def server() -> Iterator[Served]:
    with serving() as served:
        yield served


@pytest.fixture
def crc(server: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """The miniature CRC on the server, and how to fetch it."""
    replicas.shrink(monkeypatch, "crc")
    made = replicas.crc(tmp_path / "made")
    remotes = []
    for remote in BENCHMARKS["crc"].remotes:
        server.files[f"/crc/{remote.file}"] = data = replicas.zipped(made, remote.gives)
        remotes.append(replace(remote, md5=replicas.md5(data)))
    monkeypatch.setitem(BENCHMARKS, "crc", replace(BENCHMARKS["crc"], remotes=tuple(remotes)))

    def run(report: Callable[[Progress], None] = lambda _: None, limits: Limits | None = None) -> Path:
        fetch(BENCHMARKS["crc"], tmp_path / "crc", mirror=server.url, limits=limits or Limits(), report=report)
        return tmp_path / "crc"

    return run


TRAIN = "/crc/NCT-CRC-HE-100K.zip"
VAL = "/crc/CRC-VAL-HE-7K.zip"


def test_what_is_fetched_is_the_data_set_and_is_fetched_once(crc: Callable[..., Path], server: Served, tmp_path: Path) -> None:
    told: list[Progress] = []
    folder = crc(told.append)
    assert server.asked == [(TRAIN, None), (VAL, None)]
    theirs = open_source(tmp_path / "made", kind="crc")
    ours = open_source(folder, kind="crc")
    assert list(ours.items()) == list(theirs.items())
    for item in ours.items():
        assert (folder / item.uri).read_bytes() == (tmp_path / "made" / item.uri).read_bytes()
    assert "CC BY 4.0 (https://creativecommons.org/licenses/by/4.0/)" in told[0].note
    assert {p.verb for p in told} == {"fetch", "check", "unpack"}
    assert any(p.verb == "fetch" and p.done == p.total == len(server.files[VAL]) for p in told)
    record = json.loads((folder / "CRC-VAL-HE-7K.zip.json").read_text())
    assert record["md5"] == replicas.md5(server.files[VAL])
    assert (record["url"], record["licence"]) == (server.url + VAL, "CC BY 4.0")
    assert not list(folder.glob(".*.part")) and not list(folder.glob(".*.unpacking"))
    crc()
    assert len(server.asked) == 2


def test_a_cut_download_of_a_data_set_is_resumed(crc: Callable[..., Path], server: Served) -> None:
    server.cuts = [1000, 500]
    folder = crc()
    assert server.asked == [(TRAIN, None), (TRAIN, "bytes=1000-"), (TRAIN, "bytes=1500-"), (VAL, None)]
    assert len(open_source(folder, kind="crc").items()) == 54


def test_a_killed_download_is_resumed_by_the_next_run(crc: Callable[..., Path], server: Served, tmp_path: Path) -> None:
    server.cuts = [1000, 0]
    with pytest.raises(SourceError, match=r"NCT-CRC-HE-100K\.zip could not be fetched \(cut after 1000 of \d+ bytes\); run this again"):
        crc()
    assert not (tmp_path / "crc" / "NCT-CRC-HE-100K").exists()
    server.asked.clear()
    crc()
    assert server.asked[0] == (TRAIN, "bytes=1000-")


def test_a_complete_part_of_a_data_set_is_not_downloaded_again(crc: Callable[..., Path], server: Served) -> None:
    with pytest.raises(UnsafeArchive):
        crc(limits=Limits(max_archive_bytes=10))  # fetched in full, not unpacked
    server.asked.clear()
    assert len(open_source(crc(), kind="crc").items()) == 54
    assert server.asked[0] == (TRAIN, f"bytes={len(server.files[TRAIN])}-")


def test_a_server_without_ranges_starts_over(crc: Callable[..., Path], server: Served) -> None:
    server.cuts, server.knows_ranges = [1000], False
    assert len(open_source(crc(), kind="crc").items()) == 54


def test_another_file_than_the_published_one_is_deleted(crc: Callable[..., Path], server: Served, tmp_path: Path) -> None:
    right = server.files[TRAIN]
    server.files[TRAIN] = right[:-1] + b"?"
    with pytest.raises(SourceError, match=rf"not the published file \(md5 \w+ instead of {replicas.md5(right)}\) and was deleted"):
        crc()
    assert [path.name for path in (tmp_path / "crc").iterdir() if path.name != ".fetch.lock"] == []
    server.files[TRAIN] = right
    assert len(open_source(crc(), kind="crc").items()) == 54


def test_only_https_or_this_machine(tmp_path: Path, crc: Callable[..., Path], server: Served) -> None:
    with pytest.raises(SourceError, match="neither https nor on this machine"):
        fetch(BENCHMARKS["crc"], tmp_path / "x", mirror="http://example.org", limits=Limits(), report=lambda _: None)
    with pytest.raises(SourceError, match="neither https nor on this machine"):
        fetch(BENCHMARKS["crc"], tmp_path / "x", mirror="file:///tmp", limits=Limits(), report=lambda _: None)
    server.send_on = "http://example.org/x.zip"
    with pytest.raises(SourceError, match="which is not https"):
        crc()


def test_a_file_missing_on_the_server_is_reported(crc: Callable[..., Path], server: Served) -> None:
    server.files.clear()
    with pytest.raises(SourceError, match=r"could not be fetched \(.*Not Found\).*fetch http://127.*yourself and unpack it in"):
        crc()


def _zip(members: dict[str, bytes], link: str = "") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
        if link:
            info = zipfile.ZipInfo(link)
            info.external_attr = (stat.S_IFLNK | 0o777) << 16
            archive.writestr(info, "/etc")
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "error", "words"),
    [
        (_zip({"../evil.tif": b"x", "NCT-CRC-HE-100K/ADI/a.tif": b"x"}), UnsafeArchive, "written outside"),
        (_zip({"NCT-CRC-HE-100K/ADI/a.tif": bytes(2_000_000)}), UnsafeArchive, "times its size"),
        (_zip({}, link="NCT-CRC-HE-100K/ADI"), UnsafeArchive, "holds the link"),
        (_zip({"other/a.tif": b"x"}), SourceError, "holds no folder NCT-CRC-HE-100K"),
        (b"no zip at all", SourceError, "damaged"),
    ],
)
def test_a_harmful_or_wrong_archive_leaves_nothing(
    data: bytes,
    error: type[Exception],
    words: str,
    crc: Callable[..., Path],
    server: Served,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server.files[TRAIN] = data
    unchecked = tuple(replace(remote, md5="") for remote in BENCHMARKS["crc"].remotes)
    monkeypatch.setitem(BENCHMARKS, "crc", replace(BENCHMARKS["crc"], remotes=unchecked))
    with pytest.raises(error, match=words):
        crc()
    assert not (tmp_path / "crc" / "NCT-CRC-HE-100K").exists()
    assert not list(tmp_path.rglob("evil.tif"))


def test_pcam_is_checked_unpacked(server: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its published md5 are those of the files inside."""
    replicas.shrink(monkeypatch, "pcam")
    made = replicas.pcam(tmp_path / "made")
    remotes: list[Remote] = []
    for remote in BENCHMARKS["pcam"].remotes:
        server.files[f"/pcam/{remote.file}"] = replicas.gzipped(made / remote.gives)
        remotes.append(replace(remote, md5_unpacked=replicas.md5((made / remote.gives).read_bytes())))
    whole = replace(BENCHMARKS["pcam"], remotes=tuple(remotes))
    other = replace(whole, remotes=(replace(remotes[0], md5_unpacked="0" * 32), *remotes[1:]))

    def run(limits: Limits) -> None:
        fetch(other, tmp_path / "pcam", mirror=server.url, limits=limits, report=lambda _: None)

    with pytest.raises(UnsafeArchive, match="more than 100 bytes"):
        run(Limits(max_archive_bytes=100))
    with pytest.raises(SourceError, match="not the published file"):
        run(Limits())
    assert not list((tmp_path / "pcam").glob("camelyonpatch*"))
    fetch(whole, tmp_path / "pcam", mirror=server.url, limits=Limits(), report=lambda _: None)
    assert [item.label for item in open_source(tmp_path / "pcam", kind="pcam").items()][:2] == ["no_tumor", "tumor"]
    server.files[f"/pcam/{remotes[0].file}"] = b"\x1f\x8b cut"
    (tmp_path / "pcam" / remotes[0].gives).unlink()
    with pytest.raises(SourceError, match="damaged"):
        fetch(whole, tmp_path / "pcam", mirror=server.url, limits=Limits(), report=lambda _: None)
