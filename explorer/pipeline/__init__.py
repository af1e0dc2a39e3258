"""The verbs. The only place where computing meets disk; the command line, jobs and pages all call these."""

from .benchmarking import benchmark
from .evaluating import Question, evaluate, read_report
from .intake import ingest
from .keeping import remove, rename
from .leaks import Leak, leak, measure_leak
from .naming import group_names, name_groups
from .selections import save_selection, selected_rows
from .steps import agreement, cluster, embed, index, project, stability
from .takeout import export
from .whole import build, demo

__all__ = [
    "Leak",
    "Question",
    "agreement",
    "benchmark",
    "build",
    "cluster",
    "demo",
    "embed",
    "evaluate",
    "export",
    "group_names",
    "index",
    "ingest",
    "leak",
    "measure_leak",
    "name_groups",
    "project",
    "read_report",
    "remove",
    "rename",
    "save_selection",
    "selected_rows",
    "stability",
]
