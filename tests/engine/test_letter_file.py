"""A file of dead letters is only appended to: a crash loses no letter, and readers see each once."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from octo.core.errors import NoRoom, Permanent, Transient
from octo.core.message import Message
from octo.engine import letter_file
from octo.engine.letter_file import Line, append, compact, contents, lines, settle


def line(id_: str, attempts: int = 1, body: object = None) -> Line:
    return Line(id_, {"attempts": attempts}, Message(body, event_id=id_).to_record())


def kept(path):
    return [(each.id, each.letter["attempts"]) for each in lines(path, contents(path).places.values())]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "lost" / "orders.jsonl"


def test_what_is_kept_is_read_in_order_with_its_values(path):
    body = {"b": b"\0\xff", "n": 2**70, "w": 2.0}
    append(path, line("a", body=body))
    append(path, line("b"))

    assert kept(path) == [("a", 1), ("b", 1)]
    (first, _) = lines(path, contents(path).places.values())
    assert Message.from_record(first.message).body == body
    assert isinstance(Message.from_record(first.message).body["w"], float)


def test_no_changed_byte_goes_unnoticed(path):
    """A bit of each byte of the file, one at a time: nothing is missing or different but with an unreadable line."""
    for each in "abc":
        append(path, line(each, body={"text": each * 3, "sum": 1}))
    settle(path, "b")
    data = path.read_bytes()
    whole = list(lines(path, contents(path).places.values()))
    for at in range(len(data)):
        changed = bytearray(data)
        changed[at] ^= 1 << at % 8
        path.write_bytes(changed)
        found = contents(path)
        if not found.unreadable:
            assert list(lines(path, found.places.values())) == whole, f"byte {at}"


def test_a_line_of_an_earlier_version_has_no_sum(path):
    path.parent.mkdir()
    path.write_text('{"id":"a","letter":{"attempts":1},"message":{"sum":2}}\n{"settled":"x"}\n')

    assert kept(path) == [("a", 1)]
    assert contents(path).unreadable == 0


def test_nobody_else_can_read_it(path):
    append(path, line("a"))
    assert path.stat().st_mode & 0o777 == 0o600
    append(path, line("b"))
    settle(path, "a")
    compact(path)
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_second_failure_takes_the_place_of_the_first(path):
    append(path, line("a"))
    append(path, line("b"))
    append(path, line("a", attempts=2))

    assert kept(path) == [("a", 2), ("b", 1)]


def test_what_is_settled_is_gone_and_may_come_again(path):
    append(path, line("a"))
    append(path, line("b"))
    settle(path, "a")
    assert kept(path) == [("b", 1)]
    append(path, line("a", attempts=5))
    assert kept(path) == [("b", 1), ("a", 5)]


def test_compacting_leaves_what_is_left(path):
    for each in "abc":
        append(path, line(each))
    settle(path, "b")
    before = path.stat().st_size
    compact(path)

    assert kept(path) == [("a", 1), ("c", 1)]
    assert path.stat().st_size < before


def test_a_file_of_which_nothing_is_left_is_removed(path):
    append(path, line("a"))
    settle(path, "a")
    compact(path)

    assert not path.exists()
    compact(path)  # nor is a second time an error
    assert contents(path).places == {}


def test_a_line_that_a_crash_has_cut_harms_no_other(path):
    append(path, line("a"))
    with path.open("ab") as file:
        file.write(b'{"id": "b", "let')
    append(path, line("c"))

    assert kept(path) == [("a", 1), ("c", 1)]
    assert contents(path).unreadable == 1


def test_what_nobody_can_read_is_counted_and_kept(path):
    path.parent.mkdir()
    path.write_bytes(b'not json\n\n[1]\n{"id": 7}\n')
    append(path, line("a"))
    settle(path, "a")
    compact(path)

    assert contents(path) == ({}, 3)
    assert path.read_bytes().startswith(b"not json\n[1]\n")


def test_a_line_that_is_too_long_is_none_and_holds_nobody_up(path, monkeypatch):
    monkeypatch.setattr(letter_file, "LARGEST_LINE", 300)
    append(path, line("a"))
    with path.open("ab") as file:
        file.write(b'"' + b"x" * 1000 + b'"\n')
    append(path, line("b"))

    assert kept(path) == [("a", 1), ("b", 1)]
    assert contents(path).unreadable == 1
    with pytest.raises(Permanent, match="takes at most 300"):
        append(path, line("c", body="x" * 300))


def test_a_full_file_takes_no_more(path, monkeypatch):
    append(path, line("a"))
    monkeypatch.setattr(letter_file, "LARGEST_FILE", path.stat().st_size + 10)
    with pytest.raises(NoRoom, match="replay or purge"):
        append(path, line("b"))

    assert kept(path) == [("a", 1)]


def test_a_file_that_cannot_be_written_says_so(path):
    path.parent.write_text("a file where the folder should be")
    with pytest.raises(Transient, match="cannot write the dead letters"):
        append(path, line("a"))


def test_who_appends_while_another_compacts_loses_nothing(path):
    """An appender that has opened the old file finds the new one."""
    append(path, line("first"))
    settle(path, "first")

    def work(name: str) -> None:
        for number in range(40):
            append(path, line(f"{name}{number}"))

    writers = [threading.Thread(target=work, args=(name,)) for name in "ab"]
    for each in writers:
        each.start()
    while any(each.is_alive() for each in writers):
        compact(path)
    for each in writers:
        each.join()

    assert sorted(id_ for id_, _ in kept(path)) == sorted(f"{name}{number}" for name in "ab" for number in range(40))


def test_it_is_on_the_disk_before_it_counts(path, monkeypatch):
    """The bytes and, for a new file, its name."""
    synced = []
    monkeypatch.setattr(
        letter_file.os, "fsync", lambda number: synced.append(str(Path(f"/proc/self/fd/{number}").readlink()))
    )
    append(path, line("a"))

    assert synced == [str(path), str(path.parent)]
