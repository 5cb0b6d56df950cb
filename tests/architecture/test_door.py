"""`octo` is the one door for authors of components."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

import octo


@pytest.mark.parametrize("name", sorted(set(octo.__all__) - {"__version__"}))
def test_every_name_is_behind_the_door(name: str):
    """What the door names can be had, and is the thing itself, not a copy."""
    found = getattr(octo, name)

    assert found is getattr(importlib.import_module(octo._HOME[name]), name)


def test_unknown_names_are_refused():
    """As from any module."""
    with pytest.raises(AttributeError, match="has no attribute 'Conector'"):
        octo.Conector  # noqa: B018  the attempt is the test


def test_the_door_costs_nothing():
    """`octo version` and shell completion do not pay for the engine, nor for what a flow may use."""
    heavy = "pydantic", "octo.engine", "granian", "aiohttp", "asyncpg", "sqlalchemy"
    code = f"import sys, octo.cli; print([name for name in {heavy!r} if name in sys.modules])"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
