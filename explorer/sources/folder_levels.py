"""What nested folders mean: classes, or patients with the same few class folders in each. Pure: names in, fields out."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import SourceError
from ..wording import counted
from .reading import short

SKIPPED = "-"
"""A level of folders that says nothing."""
LEVELS = ("label", "patient", "slide", "site", "split", SKIPPED)

_PERSON = re.compile(r"(patient|pat|case|subject|donor|person|individual)(?![a-z])", re.IGNORECASE)
_GRADE = re.compile(r"(grade|gleason|isup|class|stage|type|score|label|cluster)(?![a-z])", re.IGNORECASE)
_PART_OF_A_PATIENT = re.compile(  # slide1, roi_2, S1, 40x: folders that repeat in each patient, but are no classes
    r"(?:(?:slide|wsi|tile|patch|image|img|mask|roi|region|block|section|level|mag|scale|site|center|centre|fold|batch|part|visit|scan)"
    r"(?:e?s)?[\W_]*\w{0,4}|[a-z]?\d+(?:\s?(?:x|um|µm|px))?|x\d+)",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W\d_]{4,}")


def levels_option(given: Any) -> tuple[str, ...]:
    """The option ``folders``: what each level of folders is, outermost first, as in ``patient/label``.

    Raises ``SourceError`` for a level that does not exist, or one that is named twice.
    """
    levels = tuple(str(given).strip("/").split("/")) if given is not None else ()
    named = [level for level in levels if level != SKIPPED]
    if not set(levels) <= set(LEVELS) or len(set(named)) != len(named):
        raise SourceError(
            f"The option folders says what each level of folders is, outermost first, as in patient/label, and not {short(str(given))!r}; "
            f"use {', '.join(LEVELS[:-1])}, each once, and {SKIPPED} for a level that says nothing."
        )
    return levels


def fields_of_levels(folders: Mapping[str, Sequence[str]], *, outer: Sequence[str] = ()) -> tuple[dict[str, dict[str, Any]], str]:
    """Picture -> its label, and its patient where the folders look like patients; and a note on what was guessed or is not used.

    ``folders`` are those of each picture, outermost first, without the levels ``outer``, which only serve the note.
    """
    levels = ("patient", "label") if _are_patients(list(folders.values())) else ("label",)
    fields = {name: {"label": None, **dict(zip(levels, parts, strict=False))} for name, parts in folders.items()}
    inside = sorted({parts[1] for parts in folders.values() if len(parts) > 1})
    if len(inside) < 2:
        return fields, ""
    first = min(parts[0] for parts in folders.values() if parts)

    def option(*said: str) -> str:
        return f"--option folders={'/'.join((*outer, *said))}"

    if "patient" in levels:
        patients = counted(len({parts[0] for parts in folders.values()}), "outer folder")
        return fields, (
            f"{patients}, such as {short(first, 40)!r}, hold the same few folders, such as {short(inside[0], 40)!r}: "
            f"taken for patients and labels, which is a guess; where it is wrong, say {option('label')}"
        )
    return fields, (
        f"labels are the outer folders, such as {short(first, 40)!r}; the {len(inside)} folders in them, such as {short(inside[0], 40)!r}, "
        f"are not used; {option('label', 'patient')} or {option('patient', 'label')} says what they are"
    )


def _are_patients(folders: Sequence[Sequence[str]]) -> bool:
    """True if the outer folders are named like patients, and few names that may be classes repeat inside many of them."""
    if not folders or any(len(parts) < 2 for parts in folders):
        return False
    pairs = {(parts[0], parts[1]) for parts in folders}
    outer, inner = {first for first, _ in pairs}, {second for _, second in pairs}
    if len(inner) < 2 or len(outer) < 3 or len(outer) <= len(inner) or len(pairs) < 2 * len(inner):
        return False
    if inner != {"0", "1"} and any(_PART_OF_A_PATIENT.fullmatch(name) for name in inner):
        return False
    return _are_identifiers(outer)


def _are_identifiers(names: set[str]) -> bool:
    """True for numbers, codes and names such as ``case_7``; not for classes that are numbered, such as ``01_TUMOR``, or grades."""
    if any(_GRADE.match(name) for name in names):
        return False
    words = Counter(word for name in names for word in {word.lower() for word in _WORD.findall(name)})
    own = sum(any(words[word.lower()] < 0.5 * len(names) for word in _WORD.findall(name)) for name in names)
    persons = sum(bool(_PERSON.match(name)) for name in names)
    coded = sum(any(character.isdecimal() for character in name) for name in names)
    return persons == len(names) or (coded == len(names) and own < 0.5 * len(names))
