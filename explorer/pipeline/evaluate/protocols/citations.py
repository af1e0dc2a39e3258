"""References of the methods used by the protocols."""

COLOUR = "Colour alone as a baseline: NCT-CRC-HE: Not All Histopathological Datasets Are Equally Useful. arXiv 2409.11546."
INTERVALS = "Intervals over whole groups: Davison AC, Hinkley DV. Bootstrap Methods and their Application. 1997, section 3.8."
EVA = "eva by kaiko.ai, github.com/kaiko-ai/eva; Towards Large-Scale Training of Pathology Foundation Models, arXiv 2404.15217."
SIMPLESHOT = "Class means: Wang Y et al. SimpleShot: Revisiting Nearest-Neighbor Classification for Few-Shot Learning. arXiv 1911.04623."
ROBUSTNESS = "Robustness index: Koemen J et al. Towards Robust Foundation Models for Digital Pathology. arXiv 2507.17845."
RAND = "Clusters: Hubert L, Arabie P. Comparing partitions. Journal of Classification 1985;2:193-218."
