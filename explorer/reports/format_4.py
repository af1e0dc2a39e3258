"""Conversion of reports of format 4, written by older versions, to the present format."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PROTOCOL_NAMES: Mapping[str, str] = {"leak": "site-bias"}
"""Names of protocols in recipes and reports of format 4 -> present names."""
_WARNING = "Leak possible"


def protocol_name(recipe: Mapping[str, Any]) -> str:
    """The present name of the protocol of a report's recipe."""
    name = str(recipe["protocol"])
    return PROTOCOL_NAMES.get(name, name)


def upgraded(old: Mapping[str, Any]) -> dict[str, Any]:
    """A document of format 4 as one of the present format. Raises ``KeyError`` and ``TypeError`` where it is damaged."""
    protocol, results = protocol_name(old), old["results"]
    split = results.get("split")
    naive = results.get("naive")
    unchanged = ("format", "collection", "train", "rows", "encoder", "groups", "seed", "score", "value", "naive", "mistakes", "hashes")
    return {name: old[name] for name in unchanged} | {
        "protocol": protocol,
        **{name: old["columns"][name] for name in ("label", "group", "site")},
        "selection": {"where": {}},
        "baselines": [
            {"name": each["name"], "title": each["title"], "score": {end: each[end] for end in ("value", "low", "high")}}
            for each in old["anchors"]
        ],
        "baselines_missing": old["anchors_not_there"],
        "warnings": [sentence for sentence in old["sentences"] if sentence.startswith(_WARNING)],
        "sentences": [sentence for sentence in old["sentences"] if not sentence.startswith(_WARNING)],
        "results": _results(protocol, results),
        "careless": None if naive is None else _results(protocol, naive),
        "split": None if split is None else {name: split[name] for name in ("way", "left_out", "judged")},
        "left_out": {},
        "copies": 0,
        "unlabelled": 0,
        "recipe": old["recipe"],
        "versions": old["versions"],
    }


def _results(protocol: str, old: Mapping[str, Any]) -> Any:
    """The results of one protocol, which were stored under several names."""
    if protocol == "retrieval":
        found = old["retrieval"]
        at = [{("leakage" if name == "leak" else name): value for name, value in each.items()} for each in found["at"]]
        return {"retrieval": {**found, "at": at}, "index": old.get("index")}
    if protocol == "site-bias":
        return {"site_bias": old["leak"], "clusters": old.get("clusters")}
    return {"knn": old["knn"], "few_shot": old["few_shot"]} if protocol == "knn" else old["linear"]
