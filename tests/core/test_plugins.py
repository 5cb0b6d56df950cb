"""Types are looked up by name and imported when asked for."""

from __future__ import annotations

from octo.core.plugins import Plugins
from octo.testing.probe import Probe


def test_unknown_names_are_none():
    assert Plugins({}, {}).connector("x") is None
    assert Plugins({}, {}).block("x") is None


def test_a_block_of_a_connector_is_found_through_its_class():
    plugins = Plugins({"probe": "octo.testing.probe:Probe"}, {"note": "octo.testing.probe:Probe"})

    assert plugins.connector("probe").cls is Probe
    assert plugins.block("note").connector == "probe"


def test_joined_prefers_the_others():
    joined = Plugins({"a": "x:A"}, {}).joined(Plugins({"a": "octo.testing.probe:Probe"}, {}))

    assert joined.connector("a").cls is Probe
