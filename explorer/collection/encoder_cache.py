"""The encoder that made an embedding, found again by its recipe."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from .. import encoders, settings, storage
from ..errors import InputError
from ..storage import Artifact
from ..types import Encoder


@lru_cache(maxsize=2)
def _encoder(name: str, wanted: str) -> Encoder:
    encoder = encoders.load_as_set(name, settings.read())
    if identity(encoder.recipe) != wanted:
        raise InputError(
            f"{name} on this machine is not the one the collection was embedded with (other weights or another version); "
            "pass the same weights, or embed the collection again with 'explorer embed'."
        )
    return encoder


def identity(recipe: Mapping[str, Any]) -> str:
    """What makes an encoder the same one: all of its recipe but the precision, which changes a vector hardly at all."""
    return storage.fingerprint({name: value for name, value in recipe.items() if name != "precision"})


def load_encoder(embedding: Artifact) -> Encoder:
    """The encoder that made an embedding, loaded once per process; raises ``InputError`` where it is another one here."""
    recipe = embedding.recipe["encoder"]
    return _encoder(recipe["name"], identity(recipe))
