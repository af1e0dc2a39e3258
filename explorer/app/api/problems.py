"""What a route answers when something is wrong: a status and one sentence, as ``{"error": "..."}``."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from ...errors import (
    ArtifactDamaged,
    ArtifactMissing,
    Busy,
    CollectionExists,
    CollectionMissing,
    EncoderUnknown,
    ExplorerError,
    InputError,
    SourceError,
    WeightsMissing,
)
from ..shared.redaction import without_paths

STATUS: dict[type[ExplorerError], int] = {
    CollectionMissing: 404,
    ArtifactMissing: 404,
    CollectionExists: 409,
    Busy: 409,
    EncoderUnknown: 422,
    WeightsMissing: 409,
    SourceError: 422,
    InputError: 422,
    ArtifactDamaged: 500,
}
"""Of the first that an error is an instance of; all others are the server's own trouble."""


_NOTHING = "There is nothing at this address; /api/openapi.json lists what there is."


class Problem(ExplorerError):
    """An error with a status of its own."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


def answer(status: int, sentence: str) -> JSONResponse:
    """The one form of every refusal."""
    return JSONResponse({"error": sentence}, status)


async def nothing_there(_: Request) -> JSONResponse:
    """What an address is told at which there is nothing."""
    return answer(404, _NOTHING)


def install(api: FastAPI) -> None:
    """Let every error of the routes leave in that form."""

    @api.exception_handler(ExplorerError)
    def known(_: Request, error: ExplorerError) -> JSONResponse:
        status = next((status for kind, status in STATUS.items() if isinstance(error, kind)), 500)
        return answer(error.status if isinstance(error, Problem) else status, without_paths(str(error)))

    @api.exception_handler(RequestValidationError)
    def malformed(_: Request, error: RequestValidationError) -> JSONResponse:
        return answer(422, "; ".join(_sentence(fault) for fault in error.errors()) + ".")

    @api.exception_handler(HTTPException)
    def unknown(_: Request, error: HTTPException) -> JSONResponse:
        words = {
            404: _NOTHING,
            405: "This address is not asked this way.",
        }
        return answer(error.status_code, words.get(error.status_code, str(error.detail)))

    @api.exception_handler(Exception)
    def unexpected(_: Request, error: Exception) -> JSONResponse:
        return answer(500, "The server met an error it did not expect; its log tells more.")


def _sentence(fault: dict[str, Any]) -> str:
    place = ".".join(str(part) for part in fault["loc"][1:]) or str(fault["loc"][0])
    return f"{place}: {fault['msg']}"
