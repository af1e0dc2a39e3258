"""Numbers with their nouns, and verbs that agree with them, for sentences that people read."""

from __future__ import annotations

_IRREGULAR = {"is": "are", "has": "have", "does": "do", "its": "their", "was": "were", "it": "they", "this": "these"}


def counted(n: int, noun: str) -> str:
    """A number and its noun: ``1 row``, ``0 rows``, ``2 classes``, ``3 entries``."""
    return f"{n} {noun_for(n, noun)}"


def noun_for(n: int, noun: str) -> str:
    """A noun in the singular for 1, else in the plural (regular nouns only)."""
    if n == 1:
        return noun
    if noun.endswith("y") and noun[-2:-1] not in tuple("aeiou"):
        return f"{noun[:-1]}ies"
    return f"{noun}{'es' if noun.endswith(('s', 'ch', 'sh', 'x')) else 's'}"


def verb_for(n: int, verb: str) -> str:
    """A verb (or pronoun) given in the singular, ``names`` or ``is``, in the form that agrees with ``n``: ``name``, ``are``."""
    return verb if n == 1 else _IRREGULAR.get(verb, verb.removesuffix("s"))
