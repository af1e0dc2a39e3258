"""Routes of uploads: begin, send a file, see what arrived, throw away."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from starlette.requests import ClientDisconnect

from ...errors import Conflict
from ..shared import cache, uploads
from .problems import answer

router = APIRouter(prefix="/uploads", tags=["uploads"])


@router.post("")
def begin() -> dict[str, str]:
    """A place for files; ``PUT`` each of them to it, then start a job that builds a collection from it."""
    return {"upload_id": uploads.begin(cache.settings().home).id}


@router.put("/{upload_id}")
async def put(request: Request, upload_id: str, name: str) -> Response:
    """One file as the body. ``name`` is its path in the folder it comes from; it is shown, never used as a path."""
    announced = request.headers.get("content-length", "")
    try:
        size = await uploads.receive(
            uploads.find(cache.settings().home, upload_id),
            name,
            request.stream(),
            announced_bytes=int(announced) if announced.isdigit() else 0,
            most_bytes=cache.settings().max_upload_bytes,
        )
    except ClientDisconnect:
        return answer(499, "The file did not arrive whole; send it again.")
    return JSONResponse({"bytes": size})


@router.get("/{upload_id}")
def arrived(upload_id: str) -> dict[str, Any]:
    """Names of the files that arrived whole, as their owner calls them."""
    return {"names": uploads.find(cache.settings().home, upload_id).names()}


@router.delete("/{upload_id}")
def remove(upload_id: str) -> dict[str, Any]:
    """Throw away what arrived."""
    upload = uploads.find(cache.settings().home, upload_id)
    if any(upload.path.resolve() in (place, *place.parents) for place in cache.places_in_use()):
        raise Conflict("A collection is made from this upload; delete the collection instead.")
    uploads.remove(upload)
    return {}
