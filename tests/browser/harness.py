"""A small app around the widgets: our routes over made-up data. Started by the browser tests and the map benchmark."""

from __future__ import annotations

import io
import sys
from functools import lru_cache
from pathlib import Path

import numpy as np
import streamlit as st
from PIL import Image
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[1])]

from browser import data  # noqa: E402

from explorer.app.shared import assets, urls  # noqa: E402

CACHED = {"Cache-Control": assets.IMMUTABLE}
uploads: dict[str, list[tuple[str, int]]] = {}


def web(request: Request) -> Response:
    found = assets.read(request.path_params["version"], request.path_params["name"])
    return Response(found[0], media_type=found[1], headers=CACHED) if found else Response(status_code=404)


def points(request: Request) -> Response:
    return Response(data.point_buffer(request.path_params["n"]), media_type="application/octet-stream", headers=CACHED)


def column(request: Request) -> Response:
    found = data.column(request.path_params["name"], request.path_params["n"])
    return Response(found.data, media_type="application/octet-stream", headers=CACHED)


def row(request: Request) -> Response:
    number = request.path_params["row"]
    return JSONResponse({"fields": [["patient", f"P{number % 7}"], ["slide", data.HOSTILE if number % 2 else "S1"]]})


def picture(request: Request) -> Response:
    side = 96 if request.path_params["kind"] == "thumb" else 512
    return Response(drawn(request.path_params["row"], side), media_type="image/jpeg", headers=CACHED)


@lru_cache(maxsize=4096)
def drawn(number: int, side: int) -> bytes:
    rng = np.random.default_rng(number)
    small = rng.normal((200, 130, 175), 35, (8, 8, 3)).clip(0, 255).astype(np.uint8)
    out = io.BytesIO()
    Image.fromarray(small).resize((side, side), Image.Resampling.BICUBIC).save(out, "JPEG", quality=80)
    return out.getvalue()


async def begin(request: Request) -> Response:
    if request.headers.get("x-explorer") != "1":
        return JSONResponse({"error": "The header is missing."}, 403)
    upload_id = f"u{len(uploads) + 1}"
    uploads[upload_id] = []
    return JSONResponse({"upload_id": upload_id})


async def put(request: Request) -> Response:
    name = request.query_params["name"]
    size = 0
    async for part in request.stream():
        size += len(part)
    if "broken" in name and not any(known == name for known, _ in uploads["refused"]):
        uploads["refused"].append((name, size))
        return JSONResponse({"error": "The disk is full."}, 507)
    uploads[request.path_params["upload_id"]].append((name, size))
    return JSONResponse({"bytes": size})


async def drop(request: Request) -> Response:
    uploads.pop(request.path_params["upload_id"], None)
    return JSONResponse({})


async def arrived(request: Request) -> Response:
    return JSONResponse(uploads)


async def unknown(request: Request) -> Response:
    return JSONResponse({"error": "not found"}, 404)


uploads["refused"] = []
PREFIX = urls.api()
app = st.App(
    str(Path(__file__).parent / "harness_page.py"),
    routes=[
        Route(PREFIX + "/web/{version}/{name:path}", web),
        Route(PREFIX + "/points/{n:int}.bin", points),
        Route(PREFIX + "/column/{name}-{n:int}.bin", column),
        Route(PREFIX + "/rows/{row:int}.json", row),
        Route(PREFIX + "/{kind}/{row:int}.jpg", picture),
        Route(PREFIX + "/uploads", begin, methods=["POST"]),
        Route(PREFIX + "/uploads", arrived),
        Route(PREFIX + "/uploads/{upload_id}", put, methods=["PUT"]),
        Route(PREFIX + "/uploads/{upload_id}", drop, methods=["DELETE"]),
        Route(PREFIX + "/{rest:path}", unknown, methods=["GET", "POST", "PUT"]),
    ],
)
