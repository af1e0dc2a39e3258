"""Match the lines of a table to pictures: by path, end of path, without suffix, in other letter case; only where unique.

Pure: names in, matches out. Unicode is compared in composed form, and both kinds of slashes are equal.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import unquote

from .images import SUFFIXES
from .metadata import path_key

HOW = {
    "end of the path": "the end of their path",
    "name without suffix": "their name without suffix",
    "other letter case": "their name in other letter case",
    "number": "their number without leading zeros",
}
"""Steps of a join after the path itself, with the words for them. Lines that stand for a ``group`` of pictures come last."""
_PARTS = {"train": ("train", "training"), "val": ("val", "valid", "validation"), "test": ("test", "testing")}
_OF = ("", *(f"{between}{what}" for between in "_- " for what in ("images", "image", "imgs", "img", "patches", "tiles", "set", "data")))
SPLITS = {f"{word}{what}": part for part, words in _PARTS.items() for word in words for what in _OF}
"""Names of folders and values that say which part of a data set a picture belongs to."""
_SEVERAL = -1
_MOST_SHARED = 2_000
"""Names that may share three letters for these to say that names are similar."""
_MOST_COMPARED = 50
_LEADING_ZEROS = re.compile(r"(?<!\d)0+(?=\d)")
_WHOLE_FLOAT = re.compile(r"(?<=\d)\.0$")
_COUNTER = re.compile(r"[ _-]+[xy]?-?\d+$", re.IGNORECASE)


@dataclass(slots=True)
class Join:
    """Which line belongs to which picture, and what happened to the other lines."""

    line_of: dict[int, int] = field(default_factory=dict)
    """Picture -> line, both by position."""
    how: Counter[str] = field(default_factory=Counter)
    """Lines matched, by what they matched on: ``path``, a step of ``HOW``, or ``group``."""
    empty: list[int] = field(default_factory=list)
    """Lines without a name."""
    repeated: list[int] = field(default_factory=list)
    """Lines whose picture an earlier line names; that one counts."""
    ambiguous: list[int] = field(default_factory=list)
    """Lines whose name fits several pictures, or whose picture other lines name as well."""
    unmatched: list[int] = field(default_factory=list)

    @property
    def matched(self) -> int:
        """Number of lines that found a picture."""
        return self.how.total()


def join(names: Sequence[str | None], pictures: Sequence[str]) -> Join:
    """Match the names that lines of a table give to the relative paths of pictures, each step only where unique.

    In this order: the same path; the same end of the path (as many parts as agree, behind any drive or folder); either
    without the suffix; either in another letter case; the same with numbers compared by value (``1`` and ``001``).
    """
    found = Join()
    wanted: dict[int, str] = {}
    keys = [path_key(picture) for picture in pictures]
    known = {_loose(key) for key in keys}
    for line, name in enumerate(names):
        key = _clean(name or "")
        if "%" in key and _loose(key) not in known:
            key = path_key(unquote(key))
        if not key:
            found.empty.append(line)
        elif _loose(key) in known:
            wanted[line] = key
        else:
            found.unmatched.append(line)
    exact_folders: set[str] = set()
    steps: list[tuple[str, Callable[[str], str]]] = [
        ("end of the path", _same),
        ("name without suffix", _stem),
        ("other letter case", str.casefold),
        ("other letter case", lambda key: _stem(key.casefold())),
        ("number", lambda key: _unpadded(_stem(key.casefold()))),
    ]
    _take(found, wanted, "path", _by_path(keys, wanted))
    exact_folders = {_folder(keys[picture]) for picture in found.line_of}
    for how, form in steps:
        if not wanted:
            break
        index = _endings([form(key) for key in keys])
        proposals = {line: hit for line, key in wanted.items() if (hit := _longest_end(form(key), index, keys, exact_folders)) is not None}
        _take(found, wanted, how, proposals)
    found.unmatched = sorted([*found.unmatched, *wanted])
    found.ambiguous.sort()
    return found


def join_groups(names: Sequence[str | None], pictures: Sequence[str]) -> Join:
    """Match lines that stand for many pictures: a folder of that name, or file names that begin so before a counter (``ID_17.png``)."""
    found = Join()
    keys = [_clean(name or "") for name in names]
    count = Counter(keys)
    line_by_name = {}
    for line, key in enumerate(keys):
        if not key:
            found.empty.append(line)
        elif key != _stem(key):  # the name of one picture
            found.unmatched.append(line)
        elif count[key] > 1:
            found.ambiguous.append(line)
        else:
            line_by_name[key] = line
    used: set[int] = set()
    for picture, name in enumerate(pictures):
        hit = next((line_by_name[key] for key in _groups(path_key(name)) if key in line_by_name), None)
        if hit is not None:
            found.line_of[picture] = hit
            used.add(hit)
    found.how["group"] = len(used)
    found.unmatched = sorted({*found.unmatched, *line_by_name.values()} - used)
    return found


class Nearest:
    """Finds the pictures with the most similar names: those that share most groups of three letters, compared by difflib."""

    def __init__(self, pictures: Sequence[str]) -> None:
        self._pictures = pictures

    def __call__(self, name: str, count: int = 3) -> list[str]:
        """The nearest pictures, best first; the first pictures where none is similar."""
        wanted = _clean(name).rpartition("/")[2].casefold()
        shared: Counter[str] = Counter()
        for three in _threes(wanted):
            names = self._names_by_threes.get(three, ())
            if len(names) <= _MOST_SHARED:
                shared.update(names)
        likely = [key for key, _ in shared.most_common(_MOST_COMPARED)] or list(self._by_name)[:_MOST_COMPARED]
        if not difflib.get_close_matches(wanted, likely, n=1, cutoff=0.5):
            return list(self._pictures[:count])
        found = [self._by_name[key] for key in difflib.get_close_matches(wanted, likely, n=count, cutoff=0.0)]
        others = (picture for picture in self._pictures[: 2 * count] if picture not in found)
        return [*found, *others][:count]

    @cached_property
    def _by_name(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for picture in self._pictures:
            found.setdefault(path_key(picture).rpartition("/")[2].casefold(), picture)
        return found

    @cached_property
    def _names_by_threes(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for name in self._by_name:
            for three in _threes(name):
                found.setdefault(three, []).append(name)
        return found


def _threes(name: str) -> list[str]:
    """The groups of three neighbouring letters of a name, padded, each once, in order."""
    padded = f" {_stem(name)} "
    return list(dict.fromkeys(padded[at : at + 3] for at in range(max(1, len(padded) - 2))))


def candidates(name: str, pictures: Sequence[str]) -> list[str]:
    """All pictures that end as ambiguous ``name`` does, in any letter case and with any suffix."""
    last = _loose(_clean(name))
    return [picture for picture in pictures if _loose(path_key(picture)) == last]


def _by_path(keys: Sequence[str], wanted: Mapping[int, str]) -> dict[int, int]:
    index: dict[str, int] = {}
    for picture, key in enumerate(keys):
        index[key] = _SEVERAL if key in index else picture
    return {line: index[key] for line, key in wanted.items() if key in index}


def _take(found: Join, wanted: dict[int, str], how: str, proposals: Mapping[int, int]) -> None:
    """Move lines from ``wanted`` to their matches: of equal names the first counts; different names for one picture are ambiguous."""
    names_of: dict[int, set[str]] = {}
    for line, picture in proposals.items():
        names_of.setdefault(picture, set()).add(wanted[line])
    for line, picture in proposals.items():
        if picture == _SEVERAL or (picture not in found.line_of and len(names_of[picture]) > 1):
            found.ambiguous.append(line)
    doubted = set(found.ambiguous)
    for line, picture in proposals.items():
        if line in doubted:
            pass
        elif picture in found.line_of:
            found.repeated.append(line)
        else:
            found.line_of[picture] = line
            found.how[how] += 1
        del wanted[line]


def _endings(keys: Sequence[str]) -> dict[str, int]:
    """Every end of every path (whole parts) -> its picture, ``_SEVERAL`` where there is more than one."""
    index: dict[str, int] = {}
    for picture, key in enumerate(keys):
        parts = key.split("/")
        for start in range(len(parts)):
            end = "/".join(parts[start:])
            index[end] = _SEVERAL if end in index else picture
    return index


def _longest_end(key: str, index: Mapping[str, int], keys: Sequence[str], exact_folders: set[str]) -> int | None:
    """The picture that shares the longest end with a name; None where no end is shared or the folders before it contradict."""
    parts = key.split("/")
    for start in range(len(parts)):
        picture = index.get("/".join(parts[start:]))
        if picture is None:
            continue
        if picture == _SEVERAL:
            return picture
        before = keys[picture].split("/")[: -(len(parts) - start)]
        if start and before:  # both go on: other folders, which is a moved folder unless both folders are there
            splits = {SPLITS.get(parts[start - 1].lower()), SPLITS.get(before[-1].lower())}
            if _folder(keys[picture]) in exact_folders or (len(splits) == 2 and None not in splits):
                return None
        return picture
    return None


def _groups(key: str) -> list[str]:
    """Names of groups a picture may belong to: its name without counters, then its folders, innermost first."""
    *folders, name = key.split("/")
    names = [_stem(name)]
    while shorter := _COUNTER.sub("", names[-1]):
        if shorter == names[-1]:
            break
        names.append(shorter)
    return [*names, *reversed(folders)]


def _clean(name: str) -> str:
    """``path_key`` without drive, scheme, leading slashes, steps up, and what follows the path in a web address."""
    if "://" in name:
        name = re.split(r"[?#]", name, maxsplit=1)[0]
    parts = path_key(name).split("/")
    return "/".join(part for number, part in enumerate(parts) if part not in ("", ".", "..") and not (number == 0 and part.endswith(":")))


def _same(key: str) -> str:
    return key


def _stem(key: str) -> str:
    """A path without the suffix of a picture (``.ome.tif`` as a whole)."""
    base, dot, suffix = key.rpartition(".")
    if not (dot and base and f".{suffix.lower()}" in SUFFIXES):
        return key
    return base[:-4] if base.lower().endswith(".ome") and len(base) > 4 else base


def _unpadded(key: str) -> str:
    """Numbers without leading zeros; a whole number at the end without the ``.0`` that a column with gaps gives it."""
    return _LEADING_ZEROS.sub("", _WHOLE_FLOAT.sub("", key))


def _loose(key: str) -> str:
    """The last part of a path without suffix, letter case and leading zeros: names that differ here are never joined."""
    return _unpadded(_stem(key.casefold().rpartition("/")[2]))


def _folder(key: str) -> str:
    return key.rpartition("/")[0]
