"""Evaluation of embeddings: arrays in, report out."""

from .baselines import colour_histogram
from .folds import folds
from .intervals import Estimate
from .knn import FewShotReport, KnnReport, few_shot, knn
from .mistakes import Mistake
from .overlap import OverlapReport, encoder_overlap, neighbour_overlap
from .probe import EVA_2024, PROTOCOLS, ProbeReport, linear_probe
from .reports import Report
from .retrieval import RetrievalAt, RetrievalReport, retrieval
from .site_bias import ClusterBiasReport, SiteBiasReport, cluster_bias, separable, site_bias

__all__ = [
    "EVA_2024",
    "PROTOCOLS",
    "ClusterBiasReport",
    "Estimate",
    "FewShotReport",
    "KnnReport",
    "Mistake",
    "OverlapReport",
    "ProbeReport",
    "Report",
    "RetrievalAt",
    "RetrievalReport",
    "SiteBiasReport",
    "cluster_bias",
    "colour_histogram",
    "encoder_overlap",
    "few_shot",
    "folds",
    "knn",
    "linear_probe",
    "neighbour_overlap",
    "retrieval",
    "separable",
    "site_bias",
]
