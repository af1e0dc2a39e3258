"""Search by cosine with FAISS, and the one nearest-neighbour graph that map, clusters and metrics share.

exact.py    unit vectors, exact search block by block, the order of hits: what the rest stands on
truth.py    how much of the truth an index or a graph finds, and how many lists it takes to find it
search.py   FaissIndex: flat, ivf or ivf-refine, by the size of the collection
graph.py    the k nearest other rows of every row
"""

from .faiss_index import FaissIndex, build_index, load_index
from .graph import knn_graph
from .recall import graph_recall, recall

__all__ = ["FaissIndex", "build_index", "graph_recall", "knn_graph", "load_index", "recall"]
