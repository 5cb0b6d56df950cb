"""A partition: its lanes keep their order, and its position never passes a record that is not finished."""

from __future__ import annotations

from octo.connectors.kafka.partition import Partition, Record


def filled(*lanes):
    """A partition with a record per lane, with gaps between their offsets; and which may be handed out at once."""
    partition = Partition(("t", 0))
    records = [Record(partition, 10 * number, lane, 1, None) for number, lane in enumerate(lanes)]
    return partition, records, [each.offset for each in records if partition.add(each)]


def test_one_record_of_a_lane_is_handed_out_at_a_time():
    partition, records, ready = filled("a", "a", "b", "a")

    assert ready == [0, 20]
    assert partition.finish(records[0]).following is records[1]
    assert partition.finish(records[1]).following is records[3]
    assert partition.finish(records[3]).following is None


def test_the_position_is_behind_what_is_finished_without_a_gap():
    partition, records, _ = filled("a", "b", "c")

    assert partition.position is None
    assert partition.finish(records[1])[1:] == (0, 0)
    assert partition.position is None
    assert partition.finish(records[0])[1:] == (2, 2)
    assert partition.position == 11
    assert partition.finish(records[2])[1:] == (1, 1)
    assert partition.position == 21


def test_a_lane_that_was_empty_begins_anew():
    partition, records, _ = filled("a")
    partition.finish(records[0])

    assert partition.add(Record(partition, 30, "a", 1, None))
