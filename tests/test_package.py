"""The public interface of the package."""

from __future__ import annotations

import subprocess
import sys

import pytest

import explorer


def test_the_public_names_are_three_words() -> None:
    assert explorer.__all__ == sorted(explorer.__all__) == ["build", "encoders", "open_collection"]
    for name in explorer.__all__:
        assert getattr(explorer, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'embedd'"):
        explorer.embedd  # noqa: B018


def test_the_help_of_all_commands_needs_no_heavy_package() -> None:
    code = "import sys, explorer.cli; print(sorted({'numpy', 'pandas', 'pydantic', 'jaxtyping', 'torch'} & set(sys.modules)))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
