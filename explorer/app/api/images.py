"""Routes that the widgets fetch from: pictures, positions, colours, columns of a row, and the browser modules."""

from __future__ import annotations

import io
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import Response
from PIL import Image as Pillow

from ...collection import Collection, map_quality
from ...errors import NotFound
from ...search import INTERNAL, plain
from ...storage import Artifact
from ...types import Image
from ..shared import assets, cache, point_buffers, query_pictures
from .parameters import NamedCollection

BINARY, JPEG = "application/octet-stream", "image/jpeg"
MOST_PX = 4096
"""Largest length in pixels of the longer side of a served picture."""
_JPEG_QUALITY = 92

_A_JPEG: dict[int | str, dict[str, Any]] = {200: {"content": {JPEG: {}}}}
_NUMBERS: dict[int | str, dict[str, Any]] = {200: {"content": {BINARY: {}}}}

router = APIRouter(tags=["pictures"])


@router.get("/web/{digest}/{name:path}", include_in_schema=False)
def web(digest: str, name: str) -> Response:
    found = assets.read(digest, name)
    if found is None:
        raise NotFound("There is no such part of the page; reload it.")
    return Response(found[0], media_type=found[1], headers={"Cache-Control": assets.IMMUTABLE})


@router.get("/collections/{collection}/thumb/{row}.jpg", response_class=Response, responses=_A_JPEG)
def thumb(collection: NamedCollection, row: int, v: str = "") -> Response:
    """A small JPEG of a row."""
    _check_row(collection, row)
    return _picture(collection, v, collection.thumbnail(row))


@router.get("/collections/{collection}/patch/{row}.jpg", response_class=Response, responses=_A_JPEG)
def patch(collection: NamedCollection, row: int, v: str = "") -> Response:
    """The whole picture of a row, encoded again as a JPEG, so that no metadata leaves the server."""
    _check_row(collection, row)
    return _picture(collection, v, jpeg(collection.image(row)))


@router.get("/collections/{collection}/rows/{row}.json")
def row(collection: NamedCollection, row: int, column: Annotated[list[str] | None, Query()] = None) -> dict[str, Any]:
    """The known values of a row by column; only of the named columns where some are named."""
    _check_row(collection, row)
    values = collection.table().iloc[row].to_dict()
    names = [name for name in dict.fromkeys(column or values) if name in values and name not in INTERNAL]
    known = [[name, value] for name in names if (value := plain(values[name])) is not None]
    return {"row": row, "id": str(values["id"]), "fields": known}


@router.get("/collections/{collection}/points/{key}.bin", response_class=Response, responses=_NUMBERS)
def points(collection: NamedCollection, key: str) -> Response:
    """Positions on a map; ``explorer/app/shared/point_buffers.py`` describes the format."""
    return _binary(cache.points(_artifact(collection, "projections", key).path))


@router.get("/collections/{collection}/groups/{key}.bin", response_class=Response, responses=_NUMBERS)
def groups(collection: NamedCollection, key: str) -> Response:
    """The cluster of every row, as colours of a map."""
    found = cache.labels(_artifact(collection, "clusters", key))
    return _binary(point_buffers.cluster_column("groups", found, {}).data)


@router.get("/collections/{collection}/column.bin", response_class=Response, responses=_NUMBERS)
def column(collection: NamedCollection, name: str, v: str = "") -> Response:
    """One value per row, as colours of a map."""
    return _binary(cache.column(collection, name).data, lasting=v == cache.table_version(collection))


@router.get("/collections/{collection}/overlap.bin", response_class=Response)
def overlap(collection: NamedCollection, one: str, other: str, v: str = "") -> Response:
    """For each row, how many nearest neighbours two encoders have in common, as colours of a map."""
    return _binary(cache.shared(collection, one, other).data, lasting=False)


@router.get("/collections/{collection}/trust/{key}/{column}.bin", response_class=Response)
def place(collection: NamedCollection, key: str, column: str) -> Response:
    """The trustworthiness of each row's position on a map, as colours of that map."""
    found = map_quality.of_map(_artifact(collection, "projections", key), collection.artifacts("stabilities")).get(column)
    if found is None:
        raise NotFound(f"This was not measured of the map; run 'explorer project {collection.name} --stability'.")
    return _binary(found.astype("<f4").tobytes())


@router.get("/queries/{query_id}.jpg", include_in_schema=False)
def query(query_id: str) -> Response:
    found = query_pictures.find(query_id)
    return Response(jpeg(found), media_type=JPEG, headers={"Cache-Control": "private, no-store"})


def jpeg(image: Image) -> bytes:
    """A picture (h w 3) uint8 as a JPEG without metadata, reduced where a side is longer than ``MOST_PX``."""
    picture = Pillow.fromarray(image)
    picture.thumbnail((MOST_PX, MOST_PX), Pillow.Resampling.LANCZOS, reducing_gap=2.0)
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=_JPEG_QUALITY, subsampling=0)
    return out.getvalue()


def _check_row(collection: Collection, row: int) -> None:
    if not 0 <= row < collection.n:
        raise NotFound(f"There is no row {row}; rows go from 0 to {collection.n - 1}.")


def _artifact(collection: Collection, kind: str, key: str) -> Artifact:
    for found in collection.artifacts(kind):
        if found.key == key:
            return found
    raise NotFound(f"{collection.name} has nothing of that name; it may have been removed.")


def _binary(content: bytes, *, lasting: bool = True) -> Response:
    """A binary response without compression: compressing millions of values would delay other answers and save little."""
    caching = assets.PRIVATE_IMMUTABLE if lasting else assets.PRIVATE
    return Response(content, media_type=BINARY, headers={"Cache-Control": caching, "Content-Encoding": "identity"})


def _picture(collection: Collection, asked: str, content: bytes) -> Response:
    """An image response. It may be cached without limit only under the URL that contains the present version."""
    caching = assets.PRIVATE_IMMUTABLE if asked == cache.version(collection) else assets.PRIVATE
    return Response(content, media_type=JPEG, headers={"Cache-Control": caching})
