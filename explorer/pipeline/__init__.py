"""The verbs. The only place where computing meets disk; the command line, jobs and pages all call these."""

from .intake import ingest
from .keeping import remove, rename
from .steps import cluster, embed, index, project
from .takeout import export
from .whole import build, demo

__all__ = ["build", "cluster", "demo", "embed", "export", "index", "ingest", "project", "remove", "rename"]
