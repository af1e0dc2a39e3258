"""Vector stores for cosine search, and the one nearest-neighbour graph that map, clusters and metrics share.

exact.py        unit vectors, exact search block by block, the order of hits
recall.py       recall of an index or a graph, and the number of lists needed to reach it
faiss_index.py  FaissIndex: flat, ivf or ivf-refine, by the size of the collection
store.py        builds and opens stores; chooses the engine
graph.py        the k nearest other rows of every row
machine.py      what of the machine belongs to the recipe
"""

from .faiss_index import FaissIndex, build_index
from .graph import knn_graph
from .machine import machine_facts
from .recall import graph_recall, recall
from .store import build_store, open_store

__all__ = ["FaissIndex", "build_index", "build_store", "graph_recall", "knn_graph", "machine_facts", "open_store", "recall"]
