"""The routes as one application with an OpenAPI document at ``/api/openapi.json``."""

from __future__ import annotations

from fastapi import FastAPI

from .. import storage
from . import problems, routes_collections, routes_jobs, routes_pictures, routes_uploads


def make_api() -> FastAPI:
    """All routes. The pages that show the document are left out: they load scripts from elsewhere."""
    version = storage.versions().get("pathology-explorer", "unknown")
    api = FastAPI(title="Pathology explorer", version=version, docs_url=None, redoc_url=None, redirect_slashes=False)
    problems.install(api)
    for part in (routes_collections, routes_pictures, routes_uploads, routes_jobs):
        api.include_router(part.router)
    return api
