"""Parse separated text (CSV, TSV) into rows of text, with every line accounted for.

The standard library's ``csv`` splits a line; errors that it ignores (a quotation mark that swallows the following lines, lines
that are too long or too short) are detected here.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from ..errors import SourceError
from ..wording import verb_for

_SEPARATORS = ",;\t|"
_SAMPLE_LINES = 50
_MOST_TITLES = 10
_DATA = re.compile(r"[+-]?[\d.,]+|.*\.(png|jpe?g|tiff?|bmp|webp|svs|ndpi)", re.IGNORECASE)
_UNCLOSED = "unexpected end of data"
csv.field_size_limit(1 << 30)  # outlines of annotations in one cell are longer than its default of 128 KiB


@dataclass(slots=True)
class Delimited:
    """A header and the rows below it, each cell as written but for white space around it."""

    separator: str
    header: list[str]
    rows: list[list[str]]
    lines: list[int]
    """Line number of each row in the file, from 1."""
    notes: list[str] = field(default_factory=list)


def parse(text: str, *, what: str) -> Delimited:
    """The rows of a text. Raises ``SourceError`` with the line where it cannot be read in full."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    first = 0
    if announced := re.match(r"\"?sep=(.)\"?\s*$", lines[0]):
        first = 1
    while first < len(lines) and not lines[first].strip():
        first += 1
    if first == len(lines):
        raise SourceError(f"{what} cannot be read as a table (it is empty); give it a first line with the names of its columns.")
    sample = lines[first : first + _SAMPLE_LINES]
    separator = announced[1] if announced else _separator(sample)
    filled = [at for at, line in enumerate(sample) if line.strip()]
    header = first + filled[header_at([_tolerant(sample[at], separator) for at in filled])]
    found = _Parser(lines, separator, what).table(header)
    if header > first:
        left = f"line {first + 1}" if header == first + 1 else f"lines {first + 1} to {header}"
        found.notes.insert(0, f"{what}: {left} above the names of the columns {verb_for(header - first, 'is')} left out")
    return found


def header_at(rows: Sequence[Sequence[str]]) -> int:
    """The position of the row that names the columns: the first, unless titles or comments (``#``) stand above it.

    A title fills at most half of the columns, and is more than one word or stands above three columns or more. Rows of text
    only, as wide as most, name columns where no cell is a number or a picture's name.
    """
    widths = [sum(bool(cell.strip()) for cell in row) for row in rows]
    usual = Counter(widths).most_common(1)[0][0] if widths else 0
    for at, (row, width) in enumerate(zip(rows[:_MOST_TITLES], widths, strict=False)):
        text = " ".join(cell for cell in row if cell.strip())
        if width * 2 <= usual and (usual >= 3 or " " in text.strip() or text.startswith("#")):
            continue
        return at if width == usual and not any(_DATA.fullmatch(cell.strip()) for cell in row) else 0
    return 0


def _separator(lines: list[str]) -> str:
    """The separator that gives most fields in the first line, and the same number in most of the lines that follow."""

    def merit(separator: str) -> tuple[float, int]:
        counts = [len(_tolerant(line, separator)) for line in lines if line.strip()]
        if counts[0] == 1:
            return 0.0, 1
        return sum(count == counts[0] for count in counts) / len(counts), counts[0]

    def usual(separator: str) -> tuple[float, int]:
        counts = Counter(len(_tolerant(line, separator)) for line in lines if line.strip())
        width, times = counts.most_common(1)[0]
        return (0.0, 1) if width == 1 else (times / counts.total(), width)

    for judge in (merit, usual):  # a title in the first line has no separators
        best = max(_SEPARATORS, key=judge)
        if judge(best)[0] > 0.5:
            return best
    return max(_SEPARATORS, key=lambda separator: len(_tolerant(lines[0], separator)))


def _strict(line: str, separator: str) -> list[str] | None:
    """The fields of one line; None where a quotation mark does not close in it."""
    if '"' not in line:
        return line.split(separator)
    try:
        return next(csv.reader([line], delimiter=separator, skipinitialspace=True, strict=True))
    except csv.Error as error:
        if _UNCLOSED in str(error):
            return None
        return next(csv.reader([line], delimiter=separator, skipinitialspace=True))


def _tolerant(line: str, separator: str) -> list[str]:
    """The fields of one line; a quotation mark that does not close in it stands for itself."""
    return _strict(line, separator) or line.split(separator)


class _Parser:
    """The state of parsing one file."""

    def __init__(self, lines: list[str], separator: str, what: str) -> None:
        self._lines, self._separator, self._what = lines, separator, what
        self._stray: list[int] = []

    def table(self, first: int) -> Delimited:
        header, at = self._record(first, width=0)
        header = [name.strip() for name in header]
        rows: list[list[str]] = []
        numbers: list[int] = []
        short: list[int] = []
        while at < len(self._lines):
            number = at + 1
            if not self._lines[at].strip():
                at += 1
                continue
            fields, at = self._record(at, width=len(header))
            cells = [cell.strip() for cell in fields]
            if not any(cells):  # separators only, as spreadsheets write below the last row
                continue
            while len(cells) > len(header) and not cells[-1]:
                cells.pop()
            if len(cells) > len(header):
                raise SourceError(
                    f"Line {number} of {self._what} has {len(cells)} fields, but its first line names {len(header)}; "
                    "put quotes around fields that hold the separator."
                )
            if len(cells) < len(header):
                short.append(number)
                cells += [""] * (len(header) - len(cells))
            rows.append(cells)
            numbers.append(number)
        return Delimited(self._separator, *_named(header, rows, self._what), numbers, self._notes(short))

    def _notes(self, short: list[int]) -> list[str]:
        notes = []
        if self._stray:
            notes.append(
                f"{self._what}: a quotation mark that does not close is read as written in {_lines(self._stray)}; no line was lost"
            )
        if short:
            notes.append(f"{self._what}: {_lines(short)} {'has' if len(short) == 1 else 'have'} fewer fields than the first line names")
        return notes

    def _record(self, at: int, *, width: int) -> tuple[list[str], int]:
        """The fields of the record that begins at a line, and the line after it. ``width`` is 0 for the header."""
        fields = _strict(self._lines[at], self._separator)
        if fields is not None:
            return fields, at + 1
        joined, after = self._joined(at)
        alone = [_tolerant(line, self._separator) for line in self._lines[at : after if joined else at + 1]]
        if width > 1 and all(len(line) == width for line in alone):  # every line is a row by itself: the mark is a stray one
            self._stray.append(at + 1)
            return alone[0], at + 1
        swallowed = any(len(line) >= width for line in alone[1:]) if width > 1 else False
        if joined is None or swallowed:
            raise SourceError(
                f"A quotation mark in line {at + 1} of {self._what} does not close before other lines begin; close it or take it out."
            )
        return joined, after

    def _joined(self, at: int) -> tuple[list[str] | None, int]:
        """The fields of a record that runs over several lines, None where its quotation mark never closes; and the line after it."""
        for strict in (True, False):
            following = (f"{self._lines[number]}\n" for number in range(at, len(self._lines)))
            reader = csv.reader(following, delimiter=self._separator, skipinitialspace=True, strict=strict)
            try:
                return next(reader), at + reader.line_num
            except csv.Error as error:
                if _UNCLOSED in str(error):
                    break
        return None, len(self._lines)


def _named(header: list[str], rows: list[list[str]], what: str) -> tuple[list[str], list[list[str]]]:
    """Header and rows without columns that have neither a name nor a value; other nameless columns are named by their position."""
    keep = [at for at, name in enumerate(header) if name or any(row[at] for row in rows)]
    names = unique_names([header[at] for at in keep], what=what)
    return names, rows if len(keep) == len(header) else [[row[at] for at in keep] for row in rows]


def unique_names(header: list[str], *, what: str) -> list[str]:
    """Column names without duplicates. Nameless columns are named by their position. Raises ``SourceError`` for equal names."""
    names = [name or f"column {at}" for at, name in enumerate(header, start=1)]
    name, count = Counter(names).most_common(1)[0] if names else ("", 0)
    if count > 1:
        raise SourceError(f"{what} has {count} columns called {name[:80]!r}; rename all but one.")
    return names


def _lines(numbers: list[int]) -> str:
    return f"line {numbers[0]}" if len(numbers) == 1 else f"{len(numbers)} lines (the first is line {numbers[0]})"
