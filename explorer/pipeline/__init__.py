"""The verbs. The only place where computing meets disk; the command line, jobs and pages all call these."""

from .intake import ingest
from .keeping import remove, rename
from .naming import group_names, name_groups
from .selections import save_selection, selected_rows
from .steps import agreement, cluster, embed, index, project
from .takeout import export
from .whole import build, demo

__all__ = [
    "agreement",
    "build",
    "cluster",
    "demo",
    "embed",
    "export",
    "group_names",
    "index",
    "ingest",
    "name_groups",
    "project",
    "remove",
    "rename",
    "save_selection",
    "selected_rows",
]
