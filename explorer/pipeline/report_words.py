"""The fixed words and the look of an HTML report."""

from __future__ import annotations

from collections.abc import Mapping

TITLES: Mapping[str, str] = {"retrieval": "Retrieval", "knn": "Nearest neighbours", "linear": "Linear probe", "leak": "Site leak"}
MEASURES: Mapping[str, str] = {
    "hit": "hit",
    "precision": "precision",
    "majority_vote": "MV",
    "average_precision": "mAP",
    "macro_f1": "macro F1",
}
_COLOUR = "Colour alone as an anchor: NCT-CRC-HE: Not All Histopathological Datasets Are Equally Useful. arXiv 2409.11546."
_INTERVALS = "Intervals over whole groups: Davison AC, Hinkley DV. Bootstrap Methods and their Application. 1997, section 3.8."
_EVA = "eva by kaiko.ai, github.com/kaiko-ai/eva; Towards Large-Scale Training of Pathology Foundation Models, arXiv 2404.15217."
_SIMPLESHOT = "Class means: Wang Y et al. SimpleShot: Revisiting Nearest-Neighbor Classification for Few-Shot Learning. arXiv 1911.04623."
_ROBUSTNESS = "Robustness index: Koemen J et al. Towards Robust Foundation Models for Digital Pathology. arXiv 2507.17845."
_RAND = "Groups: Hubert L, Arabie P. Comparing partitions. Journal of Classification 1985;2:193-218."
CITATIONS: Mapping[str, tuple[str, ...]] = {
    "retrieval": (_COLOUR, _INTERVALS),
    "knn": (_SIMPLESHOT, _COLOUR, _INTERVALS),
    "linear": (_EVA, _COLOUR),
    "leak": (_ROBUSTNESS, _RAND, _COLOUR, _INTERVALS),
}

STYLE = """
:root { color-scheme: light dark; --ink: #1d2530; --quiet: #5b6673; --paper: #fff; --track: #e4e8ed; --own: #1f6fb2; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6eaef; --quiet: #9aa5b1; --paper: #12161b; --track: #2b333d; --own: #6cb2ee; } }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; font-variant-numeric: tabular-nums; }
main { max-width: 860px; margin: 0 auto; padding: 32px 16px; }
section { margin: 0 0 32px; }
h1 { font-size: 24px; margin: 0; overflow-wrap: anywhere; } h2 { font-size: 17px; margin: 0 0 8px; }
.quiet { color: var(--quiet); }
.score { font-size: 48px; line-height: 1.1; margin: 16px 0 8px; }
.score small { font-size: 18px; color: var(--quiet); }
svg { width: 100%; height: auto; } svg text { font-size: 12px; fill: var(--quiet); }
svg .axis, svg .track { stroke: var(--track); fill: var(--track); } svg .tick { stroke: var(--quiet); stroke-dasharray: 2 3; }
svg .own { fill: var(--own); } svg .fill { fill: var(--own); opacity: .55; } svg .whisker { stroke: var(--ink); stroke-width: 2; }
svg .line { fill: none; stroke: var(--own); stroke-width: 2; } svg.bar { width: 200px; min-width: 120px; display: block; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; }
th { text-align: left; font-weight: 500; max-width: 320px; overflow-wrap: anywhere; }
td, th { padding: 4px 12px 4px 0; border-bottom: 1px solid var(--track); } td { text-align: right; white-space: nowrap; }
.confusion td, .confusion th { padding: 4px 8px; }
.confusion td { background: color-mix(in srgb, var(--own) calc(var(--share) * .7), var(--paper)); }
dl { display: grid; grid-template-columns: minmax(180px, auto) 1fr; gap: 4px 16px; margin: 0; }
dt { color: var(--quiet); }
dd { margin: 0; overflow-wrap: anywhere; }
@media print { main { padding: 0; max-width: none; } section { break-inside: avoid; } }
"""
