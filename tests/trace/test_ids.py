"""Which traces an id names; `test_store.py` asks every store."""

from octo.trace.ids import chosen


def test_a_whole_id_wins_over_those_it_begins(make):
    entries = [(make(event="abcdef").summary, ()), (make(event="abcdef01").summary, ())]

    assert chosen("abcdef", entries) == [0]
