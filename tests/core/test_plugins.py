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


def test_more_is_asked_once_and_only_for_unknown_names():
    asked = []

    def more():
        asked.append(1)
        return Plugins({"probe": "octo.testing.probe:Probe", "here": "nowhere:Thief"}, {})

    plugins = Plugins({"here": "octo.testing.probe:Probe"}, {}, more)

    assert plugins.connector("here").cls is Probe
    assert asked == []
    assert plugins.connector("probe").cls is Probe
    assert plugins.connector("nowhere") is None
    assert asked == [1]
    assert plugins.connector("here").cls is Probe
    assert plugins.connector_names() == ["here", "probe"]
