"""A manifest: a CSV or Parquet table with one picture per row."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from ..errors import SourceError
from ..types import Item, Limits, Reject
from .base import GONE, OUTSIDE, Listed, head, no_pictures
from .folder_layout import leaves_root, unfit
from .metadata import find_columns, make_item, read_csv, records

OPTIONS = ("columns", "root")


class TableSource(Listed):
    """Rows of a table, each naming a picture by a path relative to the table's folder (or to ``root``, seen from there).

    Options: ``columns``, a mapping from our fields to the table's columns, where their names are not recognised;
    ``root``, the folder that paths start from. Columns without a field are kept as ``extra``.
    """

    kind = "table"

    def __init__(self, path: Path, options: Mapping[str, Any], limits: Limits) -> None:
        unknown = sorted(set(options) - set(OPTIONS))
        if unknown:
            raise SourceError(f"A table takes the options {', '.join(OPTIONS)}, not {', '.join(unknown)}; leave those out.")
        if not isinstance(options.get("columns", {}), Mapping):
            raise SourceError('The option columns maps fields to columns of the table, as in {"uri": "my column"}; give it so.')
        super().__init__(path, limits)
        self.options = dict(options)
        self._root = (self._path.parent / str(options.get("root", "."))).resolve()
        if not self._root.is_dir():
            raise SourceError(f"The option root leads to {self._root}, which is not a folder; give it relative to the table.")

    def _list(self) -> tuple[list[Item], list[Reject]]:
        table, columns = self._table()
        if "uri" not in columns:
            raise SourceError(
                f"Table {self._path} has no column known to hold paths (it has {', '.join(map(str, table.columns))}); "
                'say which with the option columns, as in {"uri": "my column"}.'
            )
        items: dict[str, Item] = {}
        rejects: list[Reject] = []
        for row in records(table):
            said = str(row[columns["uri"]] or "")
            uri = self._relative(said)
            if reason := self._unfit(uri, items):
                rejects.append(Reject(said, reason))
            else:
                items[uri] = make_item(uri, row, columns)
        if not items:
            raise SourceError(no_pictures(f"Table {self._path}", rejects))
        return list(items.values()), rejects

    def _relative(self, said: str) -> str:
        """A path as the table gives it, seen from the root; an absolute one below the root is as good as a relative one."""
        path = Path(said.strip())
        if path.is_absolute() and path.is_relative_to(self._root):
            return path.relative_to(self._root).as_posix()
        return said.strip().replace("\\", "/").removeprefix("./")

    def _unfit(self, uri: str, seen: Mapping[str, Item]) -> str:
        if not uri or "\0" in uri:
            return "the row names no file"
        if uri in seen:
            return "named twice in the table; the first row counts"
        if leaves_root(uri):
            return f"{OUTSIDE} (the option root can name a wider one)"
        path = Path(os.path.realpath(self._root / uri))
        if not path.is_relative_to(self._root):
            return OUTSIDE
        if not path.is_file():
            return GONE
        return unfit(uri, partial(head, path))

    def _table(self) -> tuple[pd.DataFrame, dict[str, str]]:
        given = self.options.get("columns", {})
        try:
            if self._path.suffix.lower() != ".parquet":
                return read_csv(self._path.read_bytes(), what=f"Table {self._path}", given=given)
            table = pd.read_parquet(self._path)
            return table, find_columns(map(str, table.columns), given)
        except (OSError, ValueError) as error:
            raise SourceError(f"Table {self._path} cannot be read ({error}); check that it is CSV or Parquet.") from error
