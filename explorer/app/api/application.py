"""All routes as one application with an OpenAPI document at ``/api/openapi.json``."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel

from ... import storage
from . import annotations as annotation_routes
from . import collections, images, jobs, problems, queries, security, uploads
from .limits import Limits


class Refusal(BaseModel):
    """The body of every error response."""

    error: str


_REFUSALS = {
    401: "The call comes from another machine and brings neither the token nor the cookie that stands for it.",
    403: "The call came by a name this server does not answer to, from another site's page, or without the header it needs.",
    404: "What was asked for is not there.",
    409: "It cannot be done now, or the name is taken.",
    413: "More was sent than fits.",
    429: "Too many wrong tokens came from this address.",
    422: "Something in the call is not as it should be.",
}
_HEADER = {
    "name": security.HEADER.decode(),
    "in": "header",
    "required": True,
    "schema": {"type": "string", "const": "1"},
    "description": "Another site's page cannot send it without being asked first.",
}


class _Api(FastAPI):
    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document, with the header that the guard requires for every call that changes something."""
        document = super().openapi()
        for operations in document["paths"].values():
            for method, operation in operations.items():
                parameters = operation.setdefault("parameters", [])
                if method.upper() not in security.SAFE and _HEADER not in parameters:
                    parameters.append(_HEADER)
        return document


def make_api() -> FastAPI:
    """Build the application with all routes. FastAPI's documentation pages are left out: they load scripts from other servers."""
    version = storage.versions().get("pathology-explorer", "unknown")
    refusals: dict[int | str, dict[str, Any]] = {status: {"model": Refusal, "description": words} for status, words in _REFUSALS.items()}
    api = _Api(title="Pathology explorer", version=version, docs_url=None, redoc_url=None, redirect_slashes=False, responses=refusals)
    problems.install(api)
    api.add_middleware(Limits)
    for part in (collections, annotation_routes, images, queries, uploads, jobs):
        api.include_router(part.router)
    return api
