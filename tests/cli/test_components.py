"""The catalogue that verbs use: built-in components come from the file, others from their installed packages."""

from __future__ import annotations

import pytest

from octo.builtin import CONNECTORS
from octo.cli import components as components_module
from octo.cli.components import components
from octo.config.shipped import shipped
from octo.core.plugins import Plugins


def test_without_installed_packages_it_is_the_file(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(components_module, "installed", lambda: Plugins({}, {}))

    assert components() == shipped()


def test_a_broken_package_is_left_out_and_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """The other components are still found."""
    others = {"probe": "octo.testing.probe:Probe", "gone": "octo_nowhere:Gone"}
    monkeypatch.setattr(components_module, "installed", lambda: Plugins(others, {}))

    assert [each["type"] for each in components()["connectors"]] == sorted({*CONNECTORS, "probe"})
    assert "`gone` of an installed package cannot be loaded" in capsys.readouterr().err
