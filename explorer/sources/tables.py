"""A manifest: a CSV or Parquet table with one picture per row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from ..errors import ImageRejected, SourceError
from ..types import Image, Item, Limits, Reject
from .columns import find_columns, make_item, path_key, read_csv, records
from .files import no_pictures, read_file
from .images import decode
from .layout import leaves_root, unfit

OPTIONS = ("columns", "root")


class TableSource:
    """Rows of a table, each naming a picture by a path relative to the table's folder (or to ``root``, seen from there).

    Options: ``columns``, a mapping from our fields to the table's columns, where their names are not recognised;
    ``root``, the folder that paths start from. Columns without a field are kept as ``extra``.
    """

    kind = "table"

    def __init__(self, path: Path, options: Mapping[str, Any], limits: Limits) -> None:
        unknown = sorted(set(options) - set(OPTIONS))
        if unknown:
            raise SourceError(f"A table takes the options {', '.join(OPTIONS)}, not {', '.join(unknown)}; leave those out.")
        self._path = path.resolve()
        self._limits = limits
        self.options = dict(options)
        self._root = (self._path.parent / str(options.get("root", "."))).resolve()
        if not self._root.is_dir():
            raise SourceError(f"The option root leads to {self._root}, which is not a folder; give it relative to the table.")

    @property
    def uri(self) -> str:
        return str(self._path)

    def items(self) -> Sequence[Item]:
        return self._listing[0]

    def rejects(self) -> Sequence[Reject]:
        return self._listing[1]

    def read(self, uri: str) -> Image:
        path = self._root / uri
        if leaves_root(uri) or not path.resolve().is_relative_to(self._root):
            raise ImageRejected("its path leaves the folder")
        return decode(read_file(path, self._limits), name=uri, limits=self._limits)

    @cached_property
    def _listing(self) -> tuple[list[Item], list[Reject]]:
        table = self._table()
        columns = find_columns((str(name) for name in table.columns), self.options.get("columns", {}))
        if "uri" not in columns:
            raise SourceError(
                f"Table {self._path} has no column known to hold paths (it has {', '.join(map(str, table.columns))}); "
                "say which with the option columns, as in {'uri': 'my column'}."
            )
        items: dict[str, Item] = {}
        rejects: list[Reject] = []
        for row in records(table):
            said = str(row[columns["uri"]] or "")
            uri = path_key(said)
            if reason := self._unfit(uri, items):
                rejects.append(Reject(said, reason))
            else:
                items[uri] = make_item(uri, row, columns)
        if not items:
            raise SourceError(no_pictures(f"Table {self._path}", rejects))
        return list(items.values()), rejects

    def _unfit(self, uri: str, seen: Mapping[str, Item]) -> str:
        if not uri:
            return "the row names no file"
        if uri in seen:
            return "named twice in the table; the first row counts"
        path = self._root / uri
        if leaves_root(uri) or not path.resolve().is_relative_to(self._root):
            return "its path leaves the folder"
        if not path.is_file():
            return "there is no such file"
        return unfit(uri, lambda: path.open("rb").read(16))

    def _table(self) -> pd.DataFrame:
        try:
            if self._path.suffix.lower() == ".parquet":
                return pd.read_parquet(self._path)
            return read_csv(self._path.read_bytes(), what=f"Table {self._path}")
        except (OSError, ValueError) as error:
            raise SourceError(f"Table {self._path} cannot be read ({error}); check that it is CSV or Parquet.") from error
