"""The table of evaluation protocols. A new protocol is a record here; all readers use the table."""

from __future__ import annotations

from typing import Any

from ....errors import InputError
from ....reports.document import EvaluationReport
from ....reports.format_4 import PROTOCOL_NAMES
from ....reports.sections import Shown
from .base import Protocol
from .knn import KNN
from .linear import LINEAR
from .retrieval import RETRIEVAL
from .site_bias import SITE_BIAS

PROTOCOLS: dict[str, Protocol[Any]] = {each.name: each for each in (RETRIEVAL, KNN, LINEAR, SITE_BIAS)}


def protocol(name: str) -> Protocol[Any]:
    """The protocol of that name (or of the name it had in older versions). Raises ``InputError``."""
    found = PROTOCOLS.get(PROTOCOL_NAMES.get(name, name))
    if found is None:
        raise InputError(f"There is no protocol {name!r}; choose one of {', '.join(PROTOCOLS)}.")
    return found


def shown(report: EvaluationReport[Any]) -> Shown:
    """How a report is displayed."""
    found = protocol(report.protocol)
    return Shown(found.title, found.explained, found.citations, tuple(found.sections(report)))


__all__ = ["PROTOCOLS", "Protocol", "protocol", "shown"]
