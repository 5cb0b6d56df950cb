"""The store in memory keeps the newest traces of each flow."""

from __future__ import annotations

from octo.trace.memory import Memory


def test_a_busy_flow_leaves_the_others_their_past(make):
    store = Memory(bytes_per_flow=2000)
    store.write([make("quiet", at=0)])
    store.write([make("busy", at=number) for number in range(1, 100)])

    assert len(store.find("quiet")) == 1
    assert 1 < len(store.find("busy")) < 20
    assert store.find("busy")[0].at == 99


def test_the_newest_of_a_flow_is_kept_however_large(make):
    store = Memory(bytes_per_flow=10)
    store.write([make(at=1), make(at=2)])

    assert [each.at for each in store.find()] == [2]
