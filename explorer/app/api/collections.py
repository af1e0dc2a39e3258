"""Routes for collections: list, rename, remove, read rows, and search."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Request
from fastapi import Query as Parameter
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from ... import encoders, pipeline, storage
from ...collection import Collection
from ...errors import ImageRejected, InputError, TooLarge
from ...search import INTERNAL, Picture, Query, Region, beside, plain
from ...sources.images import decode
from ..shared import cache
from ..shared.redaction import without_paths
from .parameters import NamedCollection

MOST_ITEMS = 1000
MOST_HITS = 1000
MOST_EXAMPLES = 256
MOST_COLUMNS = 100
MOST_QUERY_BYTES = 20_000_000
KINDS = ("embeddings", "neighbours", "projections", "stabilities", "clusters", "reports", "selections")

router = APIRouter(tags=["collections"])


@router.get("/health")
def health() -> dict[str, str]:
    """Whether the server answers."""
    return {"status": "ok", "version": storage.versions().get("pathology-explorer", "unknown")}


@router.get("/encoders")
def models() -> list[dict[str, Any]]:
    """The encoders with dimension, licence, gate, and whether their weights are here."""
    known = [encoders.spec(name) for name in encoders.names()]
    return [spec.to_json() | {"weights": encoders.weights_state(spec, cache.settings().weights_dir)} for spec in known]


@router.get("/collections")
def listed() -> list[dict[str, Any]]:
    """All collections by name, followed by those that cannot be opened, with the reason."""
    trouble = [{"name": name, "error": without_paths(error)} for name, error in cache.unreadable().items()]
    return [_head(collection) for collection in cache.collections()] + trouble


@router.get("/collections/{collection}")
def one(collection: NamedCollection) -> dict[str, Any]:
    """One collection: columns, labels, rejects, and every artifact with its recipe."""
    labels = collection.items["label"].value_counts()
    return _head(collection) | {
        "columns": [str(name) for name in collection.table().columns if name not in INTERNAL],
        "labels": {str(label): int(count) for label, count in labels.items()},
        "rejects": collection.rejects.to_dict("records"),
        "artifacts": [
            {"kind": kind, "key": artifact.key} | {name: artifact.meta[name] for name in ("recipe", "measured", "created", "versions")}
            for kind in KINDS
            for artifact in collection.artifacts(kind)
        ],
    }


@router.delete("/collections/{collection}")
def remove(collection: NamedCollection) -> dict[str, Any]:
    """Delete a collection and everything made from it, including pictures that were uploaded for it."""
    cache.remove(collection)
    return {}


class NewName(BaseModel):
    """The body of a call that renames a collection."""

    name: str


@router.patch("/collections/{collection}")
def rename(collection: NamedCollection, asked: NewName) -> dict[str, Any]:
    """Give a collection another name."""
    return _head(cache.rename(collection, asked.name))


@router.get("/collections/{collection}/items")
def items(
    collection: NamedCollection, offset: Annotated[int, Parameter(ge=0)] = 0, limit: Annotated[int, Parameter(ge=1, le=MOST_ITEMS)] = 100
) -> dict[str, Any]:
    """Rows with all that is known of them; ``row`` is the number that other routes take, a column of that name becomes ``row_``."""
    page = collection.table().iloc[offset : offset + limit]
    records = [
        beside({"row": offset + at}, {str(name): plain(value) for name, value in record.items() if name not in INTERNAL})
        for at, record in enumerate(page.to_dict("records"))
    ]
    return {"n": collection.n, "offset": offset, "items": records}


class RowQuestion(BaseModel):
    """The body of a search: a row of the collection, or any query."""

    model_config = ConfigDict(extra="forbid")

    row: Annotated[int | None, Field(ge=0, description='Short for like: [{"row": ...}].')] = None
    like: Annotated[
        list[dict[str, Any]],
        Field(
            max_length=MOST_EXAMPLES,
            description='Examples to search with: {"row": 0}, {"rows": [0, 1]}, {"selection": "name"} or {"picture": {"png": "<base64>"}}; '
            'rows and pictures may have a "region": [left, top, right, bottom] in fractions of the sides.',
        ),
    ] = []
    more_like: Annotated[list[dict[str, Any]], Field(max_length=MOST_EXAMPLES, description="Examples to move the query towards.")] = []
    unlike: Annotated[list[dict[str, Any]], Field(max_length=MOST_EXAMPLES, description="Examples to move the query away from.")] = []
    k: Annotated[int, Field(ge=1, le=MOST_HITS)] = 10
    where: Annotated[
        dict[str, Any],
        Field(description='Column -> value, list of values of which one must match, or range of numbers such as {">=": 50}.'),
    ] = {}
    exclude_same: Annotated[
        list[str],
        Field(max_length=MOST_COLUMNS, description="Columns in which hits must differ from the query, such as patient."),
        AfterValidator(lambda names: list(dict.fromkeys(names))),
    ] = []
    min_score: Annotated[float | None, Field(ge=-1, le=1, description="Least cosine similarity of a hit.")] = None
    include_query: Annotated[bool, Field(description="Whether the rows searched with may be returned.")] = False
    encoder: Annotated[str | None, Field(description="Name of an encoder or key of an embedding; the newest where left out.")] = None

    def query(self) -> Query:
        """The body as a ``Query``. Raises ``InputError``."""
        value = self.model_dump(exclude={"row", "encoder"}, exclude_defaults=True)
        if self.row is not None:
            value["like"] = [{"row": self.row}, *self.like]
        return Query.from_json(value, limits=cache.settings().limits)


@router.post("/collections/{collection}/search")
def search(collection: NamedCollection, asked: RowQuestion) -> dict[str, Any]:
    """The rows most similar to the query, and a warning where site bias may affect searches in this collection."""
    return _answer(collection, asked.query(), asked.encoder)


@router.post(
    "/collections/{collection}/search/image",
    openapi_extra={"requestBody": {"required": True, "content": {"image/*": {"schema": {"type": "string", "format": "binary"}}}}},
)
async def search_image(
    request: Request,
    collection: NamedCollection,
    k: Annotated[int, Parameter(ge=1, le=MOST_HITS)] = 10,
    where: Annotated[
        str, Parameter(description='As JSON: column -> value, list of values, or range of numbers such as {">=": 50}.')
    ] = "{}",
    region: Annotated[str | None, Parameter(description="Only this part: left,top,right,bottom in fractions of the sides.")] = None,
    encoder: str | None = None,
) -> dict[str, Any]:
    """The rows most similar to the picture in the body of the call. The picture is not kept."""
    if not request.headers.get("content-type", "").startswith("image/"):
        raise HTTPException(415, "Send a picture as the body, with its media type such as image/png.")
    data = await _limited(request)

    def answer() -> dict[str, Any]:
        try:
            image = decode(data, name="query", limits=cache.settings().limits)
        except ImageRejected as error:
            raise InputError(f"The picture cannot be used: {error}. Send another one.") from error
        picture = Picture(image)
        example = picture if region is None else Region(picture, _box(region))
        return _answer(collection, Query((example,), where=_filters(where), k=k), encoder)

    return await run_in_threadpool(answer)


def _answer(collection: Collection, query: Query, encoder: str | None) -> dict[str, Any]:
    result = cache.search(collection, query, encoder=encoder)
    known = pipeline.site_bias(collection, result.embedding)
    return result.to_json() | {"site_bias": known and known.to_json()}


def _box(text: str) -> tuple[float, float, float, float]:
    try:
        left, top, right, bottom = (float(edge) for edge in text.split(","))
    except ValueError:
        raise InputError("region is not left,top,right,bottom; write for example 0.25,0.25,0.75,0.75.") from None
    return left, top, right, bottom


async def _limited(request: Request) -> bytes:
    data = bytearray()
    async for piece in request.stream():
        data += piece
        if len(data) > MOST_QUERY_BYTES:
            raise TooLarge(f"A query picture may have {MOST_QUERY_BYTES // 1_000_000} MB; make it smaller or cut a region out of it.")
    return bytes(data)


def _filters(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
        json.dumps(found, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError):  # also a number too long, half a surrogate pair, nesting without end
        found = None
    if not isinstance(found, dict):
        raise InputError('where is not a JSON object; write for example {"label": "TUM"}.')
    return found


def _head(collection: Collection) -> dict[str, Any]:
    """The few facts shown in a list. Only the kind of the source is given, because its path on the server is private."""
    record = collection.record
    return {
        "name": collection.name,
        "rows": collection.n,
        "rejected": record["rejected"],
        "created": record["created"],
        "source": record["source"]["kind"],
        "encoders": collection.encoder_names(),
        "version": cache.version(collection),
    }
