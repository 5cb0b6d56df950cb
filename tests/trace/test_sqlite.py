"""A store of limited size that several processes write, and none can damage."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing

import pytest

from octo.core.errors import Permanent
from octo.core.message import new_id
from octo.trace import sqlite
from octo.trace.opening import open_store
from octo.trace.sqlite import Sqlite

NOW = time.time_ns()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "t.db"


@pytest.fixture
def heavy(make):
    """A trace that compression cannot make small."""
    return lambda at: make(at=NOW + at, body="".join(new_id() for _ in range(100)))


WRITER = """
import sys
from pathlib import Path
from octo.core.message import new_id
from octo.trace.encode import Encoded, Summary
from octo.trace.sqlite import Sqlite

store, number = Sqlite(Path(sys.argv[1])), 0
while number < int(sys.argv[2]):
    summary = Summary("f", new_id(), new_id(), "", 2**62 + number, 0, "completed")
    store.write([Encoded(summary, (), b'{"kind":"flow","span":"a"}\\n' * 50)] * 2)
    number += 1
    print(number, flush=True)
"""


def writing(path, count):
    command = [sys.executable, "-c", WRITER, str(path), str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_the_file_stays_at_its_bound_and_keeps_the_newest(path, heavy):
    store = Sqlite(path, most_bytes=400_000)
    for start in range(0, 1500, 50):
        store.write([heavy(start + number) for number in range(50)])
        assert path.stat().st_size < 700_000
    store.close()
    found = [each.at - NOW for each in Sqlite(path).find(limit=9999)]

    assert found == list(range(1499, 1499 - len(found), -1))
    assert 50 < len(found) < 500


def test_a_lower_bound_makes_the_file_smaller(path, heavy):
    large = Sqlite(path)
    large.write([heavy(number) for number in range(500)])
    large.close()
    before = path.stat().st_size
    small = Sqlite(path, most_bytes=300_000)
    small.write([heavy(501)])
    small.close()

    assert path.stat().st_size < before / 3


def test_what_is_too_old_is_forgotten(path, make):
    store = Sqlite(path, most_age=3600)
    store.write([make(at=NOW - 7200 * 10**9), make(at=NOW)])

    assert [each.at for each in store.find()] == [NOW]


def test_a_full_disk_is_an_error_and_spoils_nothing(path, heavy):
    """A limit of pages stands for a full disk."""
    store = Sqlite(path)
    store.write([heavy(1)])
    store._writing().execute("PRAGMA max_page_count = 60").fetchall()
    with pytest.raises(sqlite3.OperationalError, match="full"):
        store.write([heavy(number) for number in range(500)])

    assert len(store.find(limit=999)) == 1
    store._writing().execute("PRAGMA max_page_count = 1000000").fetchall()
    store.write([heavy(2)])
    assert len(store.find()) == 2


def test_a_file_that_is_locked_is_an_error_and_spoils_nothing(path, make, monkeypatch):
    monkeypatch.setattr(sqlite, "BUSY", 0.01)
    store = Sqlite(path)
    store.write([make(at=NOW)])
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            store.write([make(at=NOW)])
        assert len(store.find()) == 1
        other.execute("ROLLBACK")
    store.write([make(at=NOW)])

    assert len(store.find()) == 2


def test_a_file_that_is_taken_away_is_made_anew(path, make):
    store = Sqlite(path)
    store.write([make(at=NOW)])
    for each in path.parent.iterdir():
        each.unlink()
    store.write([make(at=NOW + 1)])

    assert [each.at for each in store.find()] == [NOW + 1]


def test_a_killed_writer_leaves_a_readable_file(path):
    process = writing(path, 10**9)
    for _ in range(50):
        seen = int(process.stdout.readline())
    process.send_signal(signal.SIGKILL)
    process.communicate()
    store = open_store(str(path), write=True)

    assert len(store.find(limit=10**6)) >= 2 * seen
    assert store.get(store.find()[0].event)


def test_processes_share_a_file_from_its_first_moment(path):
    processes = [writing(path, 40) for _ in range(3)]
    said = [each.communicate()[1] for each in processes]

    assert said == ["", "", ""]
    assert len(Sqlite(path).find(limit=999)) == 240


@pytest.mark.parametrize("content", [b"this is no database, but text\n" * 100, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_file_of_something_else_is_refused_and_left_alone(path, content):
    path.write_bytes(content)

    for write in (False, True):
        with pytest.raises(Permanent, match="cannot be used as a trace store") as caught:
            open_store(f"sqlite:{path}", write=write)
        assert caught.value.code == "OCTO-S101"
    assert path.read_bytes() == content


def test_the_database_of_something_else_is_refused_and_left_alone(path):
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE orders (id text)")

    with pytest.raises(Permanent, match="the database of another program"):
        open_store(str(path), write=True)
    with closing(sqlite3.connect(path)) as other:
        assert [name for [name] in other.execute("SELECT name FROM sqlite_master")] == ["orders"]


@pytest.mark.parametrize("version", [3, 99])
def test_a_store_of_another_version_is_refused_and_left_alone(path, make, version):
    used = Sqlite(path)
    used.write([make(at=NOW)])
    with closing(sqlite3.connect(path)) as other:
        other.execute(f"PRAGMA user_version = {version}")

    for use in (lambda: open_store(str(path)), lambda: open_store(str(path), write=True), used.find):
        with pytest.raises(Permanent, match="another version of Octo") as caught:
            use()
        assert caught.value.code == "OCTO-S101"
    used.close()
    with closing(sqlite3.connect(path)) as other:
        assert other.execute("SELECT count(*) FROM traces").fetchone() == (1,)


def test_a_store_of_the_version_before_is_read_and_becomes_one_of_this(path, make):
    """A file of an unknown version is refused: its rows would be misread."""
    store = Sqlite(path).ready(write=True)
    store.write([make(event="a" * 32, at=NOW)])
    store.close()
    _set_version(path, 1)

    assert Sqlite(path).ready(write=False).find()[0].event == "a" * 32
    assert _version(path) == 1
    Sqlite(path).ready(write=True)
    assert _version(path) == 2
    _set_version(path, 3)
    with pytest.raises(Permanent, match="of another version of Octo"):
        Sqlite(path).ready(write=False)


def _set_version(path, number):
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"pragma user_version = {number}")


def _version(path):
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("pragma user_version").fetchone()[0]


def test_a_damaged_file_is_said_to_be_so(path, heavy):
    store = Sqlite(path)
    store.write([heavy(number) for number in range(200)])
    store.close()
    content = path.read_bytes()
    path.write_bytes(content[:4096] + b"\xff" * 40_000 + content[44_096:])

    with pytest.raises(Permanent, match="malformed"):
        Sqlite(path).find(limit=999)


def test_an_empty_file_becomes_a_store(path, make):
    path.touch()
    open_store(str(path), write=True).write([make(at=NOW)])

    assert len(Sqlite(path).find()) == 1


def test_a_store_that_is_emptied_while_it_is_used_is_made_anew(path, make, caplog):
    store = open_store(str(path), write=True)
    store.write([make(at=NOW)])
    path.write_bytes(b"")
    with pytest.raises(Permanent, match="there is no trace store"):
        store.find()
    store.write([make(at=NOW + 1)])

    assert [each.at for each in store.find()] == [NOW + 1]
    assert "the trace store was emptied and is made anew" in caplog.text
    store.close()
    assert [each.at for each in open_store(str(path), write=True).find()] == [NOW + 1]


def test_a_store_that_was_emptied_before_the_end_can_be_used_again(path, make):
    store = open_store(str(path), write=True)
    store.write([make(at=NOW)])
    path.write_bytes(b"")
    store.close()

    assert open_store(str(path), write=True).find() == []


def test_more_traces_at_once_than_one_statement_takes(path, make):
    store = Sqlite(path)
    store.write([make(at=NOW + number) for number in range(1000)])

    assert len(store.find(limit=9999)) == 1000


def test_what_was_written_since(path, make):
    """In the order of writing, whenever the messages began: a long one may end after those that came later."""
    store = Sqlite(path)
    store.write([make(at=NOW + 2), make(at=NOW + 1)])
    store.close()
    last = store.last()
    assert store.written(last) == ([], last)

    store.write([make(at=NOW), make(at=NOW + 3)])
    store.close()

    first, number = store.written(last, 1)
    rest, end = store.written(number)
    assert [each.at for each in (*first, *rest)] == [NOW, NOW + 3]
    assert (store.written(0)[1], end) == (end, store.last())
