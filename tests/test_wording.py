"""Numbers with their nouns and verbs."""

import pytest

from explorer.wording import counted, verb_for


@pytest.mark.parametrize(
    ("n", "noun", "expected"),
    [
        (0, "row", "0 rows"),
        (1, "row", "1 row"),
        (2, "row", "2 rows"),
        (1, "entry", "1 entry"),
        (2, "entry", "2 entries"),
        (3, "class", "3 classes"),
        (2, "patch", "2 patches"),
        (2, "query", "2 queries"),
        (2, "day", "2 days"),
    ],
)
def test_a_noun_agrees_with_its_number(n: int, noun: str, expected: str) -> None:
    assert counted(n, noun) == expected


@pytest.mark.parametrize(
    ("verb", "plural"), [("is", "are"), ("has", "have"), ("names", "name"), ("lies", "lie"), ("does", "do"), ("leaves", "leave")]
)
def test_a_verb_agrees_with_its_number(verb: str, plural: str) -> None:
    assert verb_for(1, verb) == verb
    assert verb_for(2, verb) == verb_for(0, verb) == plural
