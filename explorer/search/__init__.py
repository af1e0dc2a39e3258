"""Searching a collection: what is asked, which rows may be returned, and the hits.

query.py     what is asked: a value that round-trips through JSON
filters.py   which rows may be returned
feedback.py  query vectors made of several vectors
deadline.py  the time limit of a search
engine.py    ``search``: from a query to hits
hits.py      what a search returns
"""

from .deadline import Deadline
from .engine import Searchable, VectorCache, own_rows, place_on_map, query_vector, search
from .feedback import mean_direction, refine
from .filters import BOUNDS, allowed_rows
from .hits import INTERNAL, Facts, Hit, SearchResult, beside, make_hit, percent, plain
from .query import Example, Picture, Query, Region, Row, Rows, Selection

__all__ = [
    "BOUNDS",
    "INTERNAL",
    "Deadline",
    "Example",
    "Facts",
    "Hit",
    "Picture",
    "Query",
    "Region",
    "Row",
    "Rows",
    "SearchResult",
    "Searchable",
    "Selection",
    "VectorCache",
    "allowed_rows",
    "beside",
    "make_hit",
    "mean_direction",
    "own_rows",
    "percent",
    "place_on_map",
    "plain",
    "query_vector",
    "refine",
    "search",
]
