"""Types are looked up by name and imported when asked for."""

from __future__ import annotations

import pytest

from octo.core.block import block
from octo.core.message import Message
from octo.core.plugins import Plugins
from octo.core.settings import Settings
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


PROBE = "octo.testing.probe:Probe"


def test_blocks_join_like_connectors():
    joined = Plugins({}, {"note": "x:A"}).joined(Plugins({}, {"note": PROBE}))

    assert joined.block("note").name == "note"


@pytest.mark.parametrize("first", [True, False])
def test_whoever_of_the_two_knows_of_more_is_asked(first):
    more = [lambda: Plugins({}, {"note": PROBE, "wait": PROBE}), None]
    one, other = more if first else reversed(more)
    joined = Plugins({}, {}, one).joined(Plugins({}, {}, other))

    assert joined.block("note").name == "note"


def test_no_package_takes_over_a_block():
    """A reader of a flow knows what its blocks are. The names are complete and in order."""
    plugins = Plugins({}, {"wait": PROBE}, lambda: Plugins({}, {"wait": "nowhere:Thief", "note": PROBE, "fail": PROBE}))

    assert plugins.block_names() == ["fail", "note", "wait"]
    assert plugins.block("wait").name == "wait"


def test_components_at_hand():
    """Tests name what they have, not where it would be found."""

    @block("blow")
    def blow(settings: Settings, message: Message) -> Message:
        """Nothing."""
        return message

    plugins = Plugins.of([Probe, blow])

    assert plugins.connector("probe").cls is Probe
    assert plugins.block("note").connector == "probe"
    assert plugins.block("blow") is blow.__octo_block__


def test_what_is_no_component():
    """A mark that was forgotten is told with what to write."""
    with pytest.raises(TypeError, match="is no component: mark a class with @connector, a function with @block"):
        Plugins.of([object])
