"""The encoder that made an embedding, loaded again from its recipe."""

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
    """The identity of an encoder: all of its recipe except the precision, which changes vectors only slightly."""
    return storage.fingerprint({name: value for name, value in recipe.items() if name != "precision"})


def load_encoder(embedding: Artifact) -> Encoder:
    """The encoder that made an embedding, loaded once per process; raises ``InputError`` where the encoder here differs."""
    recipe = embedding.recipe["encoder"]
    return _encoder(recipe["name"], identity(recipe))
