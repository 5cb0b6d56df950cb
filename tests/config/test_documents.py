"""The typed documents."""

from __future__ import annotations


def test_a_connector_is_the_same_when_nothing_of_it_changed(config):
    """A reload keeps the connections of connectors whose key is equal, wherever they moved in the file."""
    one = config("connectors: [{name: w, type: http, settings: {port: 1}}]").connectors["w"]
    moved = config("\n\nconnectors: [{name: w, type: http, settings: {port: 1}}]").connectors["w"]
    changed = config("connectors: [{name: w, type: http, settings: {port: 2}}]").connectors["w"]

    assert one.key == moved.key
    assert one.key != changed.key
