"""The verbs. The only package that combines computation with storage; command line, jobs and pages call it."""

from .annotate import meant_rows
from .build import build, demo, demo_real, real_terms, real_to_fetch
from .cluster import agreement, cluster
from .embed import embed
from .evaluate.baselines import embed_baselines
from .evaluate.benchmark import benchmark
from .evaluate.evaluate import check_question, evaluate, read_report, reports
from .evaluate.leaderboard import OVERLAP_K, Gap, Line, Measure, Score, gaps, least_agreed, overlap, scores, shared_hits
from .evaluate.protocols import PROTOCOLS
from .evaluate.questions import Question
from .evaluate.site_bias import SiteBias, measure_site_bias, site_bias
from .export import defused, export
from .index import index
from .ingest import ingest
from .manage import remove, remove_damaged, rename
from .project import project, stability

__all__ = [
    "OVERLAP_K",
    "PROTOCOLS",
    "Gap",
    "Line",
    "Measure",
    "Question",
    "Score",
    "SiteBias",
    "agreement",
    "benchmark",
    "build",
    "check_question",
    "cluster",
    "defused",
    "demo",
    "demo_real",
    "embed",
    "embed_baselines",
    "evaluate",
    "export",
    "gaps",
    "index",
    "ingest",
    "least_agreed",
    "meant_rows",
    "measure_site_bias",
    "overlap",
    "project",
    "read_report",
    "real_terms",
    "real_to_fetch",
    "remove",
    "remove_damaged",
    "rename",
    "reports",
    "scores",
    "shared_hits",
    "site_bias",
    "stability",
]
