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
EXPLAINED: Mapping[str, str] = {
    "retrieval": "The share of patches whose nearest neighbours (of other patients, where known) vote for their class; mean over classes.",
    "knn": "The share of judged patches whose 5 nearest neighbours among those to learn from name their class; mean over classes.",
    "linear": "The share of judged patches that a linear head on the vectors names rightly; mean over classes and runs.",
    "leak": "Of the neighbours that differ from a patch in class or in place of origin, but not in both, the share with its class.",
}
"""What the score in large type is, in a sentence."""
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

PAGE_STYLE = """
:root { color-scheme: light dark; }
body { margin: 0; background: light-dark(#fff, #12161b); color: light-dark(#1d2530, #e6eaef); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 860px; margin: 0 auto; padding: 32px 16px; }
h1 { font-size: 24px; margin: 0; overflow-wrap: anywhere; }
@media print { main { padding: 0; max-width: none; } section { break-inside: avoid; } }
"""
"""Of the file: the sheet of paper a report lies on."""

STYLE = """
.report { --own: light-dark(#1f6fb2, #6cb2ee); --quiet: color-mix(in srgb, currentColor 72%, transparent);
  --track: color-mix(in srgb, currentColor 14%, transparent); font-variant-numeric: tabular-nums; }
.report section { margin: 0 0 32px; }
.report h2 { font-size: 17px; margin: 0 0 8px; padding: 0; }
.report p { margin: 0 0 12px; }
.report .quiet, .report dt { color: var(--quiet); }
.report .score { font-size: 48px; line-height: 1.1; margin: 16px 0 8px; }
.report .score small { font-size: 18px; color: var(--quiet); }
.report .scale { position: relative; margin: 24px 8px; border-top: 2px solid var(--track); }
.report .scale > * { position: absolute; }
.report .scale i { top: -6px; border-left: 1px dashed var(--quiet); }
.report .scale span { padding: 0 6px; line-height: 1; margin-top: -12px; font-size: 13px; white-space: nowrap; }
.report .scale span { z-index: 1; background: light-dark(#fff, #12161b); }
.report .scale .faint { color: var(--quiet); }
.report .scale u { top: -4px; height: 6px; background: var(--own); }
.report .scale b { top: -8px; width: 14px; height: 14px; margin-left: -7px; border-radius: 50%; background: var(--own); }
.report .bar { position: relative; width: 200px; height: 14px; background: var(--track); }
.report .bar i { display: block; height: 100%; background: var(--own); opacity: .55; }
.report .bar u { position: absolute; top: 6px; height: 2px; background: currentColor; }
.report svg { width: 100%; height: auto; }
.report svg text { font-size: 12px; fill: currentColor; }
.report svg .track { stroke: var(--track); }
.report svg .tick { stroke: var(--quiet); stroke-dasharray: 2 3; }
.report svg .own { fill: var(--own); }
.report svg .whisker { stroke: currentColor; stroke-width: 2; }
.report svg .line { fill: none; stroke: var(--own); stroke-width: 2; }
.report .mistakes { display: grid; grid-template-columns: repeat(auto-fill, minmax(104px, 1fr)); gap: 12px 8px; }
.report figure { margin: 0; font-size: 12px; line-height: 1.35; overflow-wrap: anywhere; }
.report figure img { display: block; width: 100%; aspect-ratio: 1; object-fit: contain; background: var(--track); margin-bottom: 4px; }
.report figcaption span { display: block; }
.report .wide { overflow-x: auto; }
.report table { border-collapse: collapse; }
.report th { text-align: left; font-weight: 500; max-width: 320px; overflow-wrap: anywhere; }
.report td { text-align: right; white-space: nowrap; }
.report td, .report th { padding: 4px 12px 4px 0; border: 0; border-bottom: 1px solid var(--track); }
.report .confusion td, .report .confusion th { padding: 4px 8px; }
.report .confusion td { background: color-mix(in srgb, var(--own) calc(var(--share) * .5), transparent); }
.report dl { display: grid; grid-template-columns: minmax(180px, auto) 1fr; gap: 4px 16px; margin: 0; }
.report dd { margin: 0; overflow-wrap: anywhere; }
"""
"""Of the report itself, wherever it is shown; colours follow the text around it."""
