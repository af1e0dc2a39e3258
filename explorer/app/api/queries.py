"""Routes by which a page gets the query picture of its user: into memory and back as a picture, never to disk.

They take the calls of the upload widget. They are no part of the published interface, which takes a picture with the search itself.
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from ..shared import query_pictures
from .images import JPEG, jpeg
from .parameters import query_bytes

router = APIRouter(prefix="/queries", include_in_schema=False)


@router.post("")
def begin() -> dict[str, str]:
    """Announce a picture."""
    return {"upload_id": query_pictures.announce()}


@router.put("/{upload_id}")
async def put(request: Request, upload_id: str, name: str) -> dict[str, int]:
    """Take in the announced picture, sent as the body; the page decodes it."""
    data = await query_bytes(request)
    query_pictures.receive(upload_id, name, data)
    return {"bytes": len(data)}


@router.delete("/{upload_id}")
def remove(upload_id: str) -> dict[str, Any]:
    """Forget an announced picture."""
    query_pictures.take_received(upload_id)
    return {}


@router.get("/{query_id}.jpg")
def query(query_id: str) -> Response:
    """A stored query picture."""
    found = query_pictures.find(query_id)
    return Response(jpeg(found), media_type=JPEG, headers={"Cache-Control": "private, no-store"})
