"""Honest numbers for a model and a collection: arrays in, report out."""

from .baselines import colour_histogram
from .folds import folds
from .intervals import Estimate, wilson
from .knn import FewShotReport, KnnReport, few_shot, knn
from .mistakes import Mistake
from .overlap import OverlapReport, encoder_overlap, neighbour_overlap
from .probe import EVA_2024, PROTOCOLS, ProbeReport, linear_probe
from .reports import Report
from .retrieval import RetrievalAt, RetrievalReport, retrieval
from .robustness import ClusterLeakReport, LeakReport, cluster_leak, separable, site_leak

__all__ = [
    "EVA_2024",
    "PROTOCOLS",
    "ClusterLeakReport",
    "Estimate",
    "FewShotReport",
    "KnnReport",
    "LeakReport",
    "Mistake",
    "OverlapReport",
    "ProbeReport",
    "Report",
    "RetrievalAt",
    "RetrievalReport",
    "cluster_leak",
    "colour_histogram",
    "encoder_overlap",
    "few_shot",
    "folds",
    "knn",
    "linear_probe",
    "neighbour_overlap",
    "retrieval",
    "separable",
    "site_leak",
    "wilson",
]
