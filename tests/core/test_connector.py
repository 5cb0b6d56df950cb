"""A connector class declares its sources and blocks by marking methods."""

from __future__ import annotations

from octo.testing.probe import Note, Probe, ProbeSettings, Pull, Push


def test_the_class_knows_what_it_offers():
    declared = Probe.__octo_connector__

    assert (declared.name, declared.settings) == ("probe", ProbeSettings)
    assert set(declared.blocks) == {"wait", "fail", "note"}
    assert declared.blocks["note"].settings is Note
    assert declared.blocks["note"].connector == "probe"


def test_pull_and_push_sources_are_told_apart_by_their_form():
    sources = Probe.__octo_connector__.sources

    assert (sources["pull"].settings, sources["pull"].is_push) == (Pull, False)
    assert (sources["push"].settings, sources["push"].is_push) == (Push, True)
