"""A connector class declares its sources and blocks by marking methods."""

from __future__ import annotations

from octo.core.connector import connector
from octo.services.ports import KeyValue
from octo.testing.probe import Brought, Note, Probe, ProbeSettings, Pull, Push, Standin


def test_the_class_knows_what_it_offers():
    declared = Probe.__octo_connector__

    assert (declared.name, declared.settings) == ("probe", ProbeSettings)
    assert set(declared.blocks) == {"wait", "fail", "note", "say", "stop"}
    assert declared.blocks["note"].settings is Note
    assert declared.blocks["note"].connector == "probe"


def test_pull_and_push_sources_are_told_apart_by_their_form():
    sources = Probe.__octo_connector__.sources

    assert (sources["pull"].settings, sources["pull"].is_push) == (Pull, False)
    assert (sources["push"].settings, sources["push"].is_push) == (Push, True)


def test_what_tests_put_in_its_place_is_declared_by_annotations():
    stub = Probe.__octo_connector__.stub

    assert (stub.settings, stub.trigger) == (Standin, Brought)


def test_a_connector_may_have_no_stub():
    @connector("plain")
    class Plain:
        @classmethod
        def open(cls, settings: ProbeSettings): ...

    assert Plain.__octo_connector__.stub is None


def test_a_stub_need_not_be_able_to_trigger_sources():
    @connector("plain")
    class Plain:
        @classmethod
        def open(cls, settings: ProbeSettings): ...

        @classmethod
        def stub(cls, settings: ProbeSettings, stub: Standin): ...

    stub = Plain.__octo_connector__.stub
    assert (stub.settings, stub.trigger) == (Standin, None)


def test_a_class_without_a_text_has_that_of_its_module():
    @connector("plain")
    class Plain:
        @classmethod
        def open(cls, settings: ProbeSettings): ...

    assert Plain.__octo_connector__.doc == "A connector class declares its sources and blocks by marking methods."


def test_the_services_that_open_asks_for_are_declared():
    @connector("plain")
    class Plain:
        @classmethod
        def open(cls, settings: ProbeSettings, store: KeyValue): ...

    assert Plain.__octo_connector__.services == {"store": "key-value"}


def test_the_services_that_a_stub_asks_for_are_declared():
    @connector("plain")
    class Plain:
        @classmethod
        def open(cls, settings: ProbeSettings): ...

        @classmethod
        def stub(cls, settings: ProbeSettings, stub: Standin, store: KeyValue): ...

    assert Plain.__octo_connector__.stub.services == {"store": "key-value"}
