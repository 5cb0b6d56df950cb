"""The idempotency key of a step is the same however often it is tried, and none outside of a journal."""

from octo.core.idempotency import enter, idempotency_key, key_of, leave


def test_outside_of_a_journal_there_is_none():
    assert idempotency_key() == ""


def test_a_key_belongs_to_one_step_of_one_run():
    keys = {key_of(run, place) for run in ("r1", "r2") for place in ("/a", "/b")}
    assert len(keys) == 4
    assert all(len(key) == 32 and set(key) <= set("0123456789abcdef") for key in keys)
    assert key_of("r1", "/a") in keys


def test_it_is_that_of_the_step_under_way():
    token = enter("k")
    assert idempotency_key() == "k"
    leave(token)
    assert idempotency_key() == ""
