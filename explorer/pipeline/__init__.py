"""The verbs. The only place where computing meets disk; the command line, jobs and pages all call these."""

from .anchoring import embed_anchors
from .benchmarking import benchmark
from .comparing import HEADLINES, OVERLAP_K, Gap, Line, Measure, Score, gaps, least_agreed, overlap, scores, shared_hits
from .evaluating import Question, check_question, evaluate, read_report
from .intake import ingest
from .keeping import remove, rename
from .leaks import Leak, leak, measure_leak
from .naming import group_names, name_groups
from .report_words import TITLES as PROTOCOL_TITLES
from .selections import save_selection, selected_rows
from .steps import agreement, cluster, embed, index, project, stability
from .takeout import defused, export
from .whole import build, demo, demo_real, real_terms, real_to_fetch

__all__ = [
    "HEADLINES",
    "OVERLAP_K",
    "PROTOCOL_TITLES",
    "Gap",
    "Leak",
    "Line",
    "Measure",
    "Question",
    "Score",
    "agreement",
    "benchmark",
    "build",
    "check_question",
    "cluster",
    "defused",
    "demo",
    "demo_real",
    "embed",
    "embed_anchors",
    "evaluate",
    "export",
    "gaps",
    "group_names",
    "index",
    "ingest",
    "leak",
    "least_agreed",
    "measure_leak",
    "name_groups",
    "overlap",
    "project",
    "read_report",
    "real_terms",
    "real_to_fetch",
    "remove",
    "rename",
    "save_selection",
    "scores",
    "selected_rows",
    "shared_hits",
    "stability",
]
