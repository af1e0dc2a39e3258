"""What a route answers when something is wrong: a status and one sentence, as ``{"error": "..."}``.

This is the one place that knows which error means which HTTP status.
"""

from __future__ import annotations

import logging
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from ... import storage
from ...errors import Conflict, EncoderUnknown, ExplorerError, InputError, NotFound, SearchTooSlow, StorageFull, TooLarge, WeightsMissing
from ..shared.redaction import without_paths

STATUS: tuple[tuple[type[ExplorerError], int], ...] = (
    (NotFound, 404),
    (Conflict, 409),
    (WeightsMissing, 409),
    (TooLarge, 413),
    (InputError, 422),
    (EncoderUnknown, 422),
    (SearchTooSlow, 503),
    (StorageFull, 507),
)
"""The status of the first class that an error is an instance of; every other error is a fault of the server, 500."""
MOST_CHARACTERS = 300
"""Maximal length of an error message in characters."""

NOTHING = "There is nothing at this address; /api/openapi.json lists what there is."
_BY_STATUS = {404: NOTHING, 405: "This address does not take this method; /api/openapi.json lists what it takes."}
_log = logging.getLogger(__name__)


def status_of(error: ExplorerError) -> int:
    """The HTTP status of an error."""
    return next((status for kind, status in STATUS if isinstance(error, kind)), 500)


def answer(status: int, sentence: str) -> JSONResponse:
    """The response of every refusal: valid UTF-8 (half a surrogate pair becomes "?"), one short sentence."""
    text = sentence.encode("utf-8", "replace").decode("utf-8")
    return JSONResponse({"error": text if len(text) <= MOST_CHARACTERS else text[: MOST_CHARACTERS - 1] + "…"}, status)


async def nothing_there(_: Request) -> JSONResponse:
    """The response for an address without a route."""
    return answer(404, NOTHING)


def install(api: FastAPI) -> None:
    """Register the handlers that turn every error of the routes into this response."""

    @api.exception_handler(ExplorerError)
    def known(_: Request, error: ExplorerError) -> JSONResponse:
        return answer(status_of(error), without_paths(str(error)))

    @api.exception_handler(RequestValidationError)
    def malformed(_: Request, error: RequestValidationError) -> JSONResponse:
        return answer(422, "; ".join(_sentence(fault) for fault in error.errors()) + ".")

    @api.exception_handler(HTTPException)
    def refused(_: Request, error: HTTPException) -> JSONResponse:
        return answer(error.status_code, _BY_STATUS.get(error.status_code, str(error.detail)))

    @api.exception_handler(OSError)
    def disk(_: Request, error: OSError) -> JSONResponse:
        _log.error("A request met an error of the operating system.", exc_info=error)
        if storage.is_full(error):
            return answer(status_of(StorageFull()), "The disk of the server is full; ask its administrator to make room.")
        return answer(500, "The server could not read or write a file; its log says which.")

    @api.exception_handler(Exception)
    def unexpected(_: Request, error: Exception) -> JSONResponse:  # Starlette raises it again, so that the log holds its traceback
        return answer(500, "The server met an error it did not expect; its log tells more.")


def _sentence(fault: dict[str, Any]) -> str:
    place = ".".join(str(part) for part in fault["loc"][1:]) or str(fault["loc"][0])
    return f"{place}: {fault['msg']}"
