"""Routes for uploads: begin, send a file, list what arrived, remove."""

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
    """Begin an upload: ``PUT`` each file to its URL, then start a job that builds a collection from it."""
    return {"upload_id": uploads.begin(cache.settings().home).id}


@router.put("/{upload_id}")
async def put(request: Request, upload_id: str, name: str) -> Response:
    """Store one file, sent as the body. ``name`` is its path in the user's folder; it is shown and never used as a path."""
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
    """Names of the files that arrived whole, as the user named them."""
    return {"names": uploads.find(cache.settings().home, upload_id).names()}


@router.delete("/{upload_id}")
def remove(upload_id: str) -> dict[str, Any]:
    """Delete an upload and its files."""
    upload = uploads.find(cache.settings().home, upload_id)
    if any(upload.path.resolve() in (place, *place.parents) for place in cache.places_in_use()):
        raise Conflict("A collection is made from this upload; delete the collection instead.")
    uploads.remove(upload)
    return {}
