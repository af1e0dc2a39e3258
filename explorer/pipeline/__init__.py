"""The verbs. The only place where computing meets disk; the command line, jobs and pages all call these."""

from ..reports.words import TITLES as PROTOCOL_TITLES
from .annotate import meant_rows
from .build import build, demo, demo_real, real_terms, real_to_fetch
from .cluster import agreement, cluster
from .embed import embed
from .evaluate.baselines import embed_anchors
from .evaluate.benchmark import benchmark
from .evaluate.evaluate import Question, check_question, evaluate, read_report
from .evaluate.leaderboard import HEADLINES, OVERLAP_K, Gap, Line, Measure, Score, gaps, least_agreed, overlap, scores, shared_hits
from .evaluate.site_bias import Leak, leak, measure_leak
from .export import defused, export
from .index import index
from .ingest import ingest
from .manage import remove, rename
from .project import project, stability

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
    "index",
    "ingest",
    "leak",
    "least_agreed",
    "meant_rows",
    "measure_leak",
    "overlap",
    "project",
    "read_report",
    "real_terms",
    "real_to_fetch",
    "remove",
    "rename",
    "scores",
    "shared_hits",
    "stability",
]
