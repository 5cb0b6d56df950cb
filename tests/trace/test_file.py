"""JSON Lines: whole traces, limited in size, and readable whatever happened to the process that wrote them."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from octo.core.errors import Permanent
from octo.trace.file import File
from octo.trace.packed import records


@pytest.fixture
def path(tmp_path):
    return tmp_path / "t.jsonl"


WRITER = """
import json, sys
from pathlib import Path
from octo.core.message import new_id
from octo.trace.encode import Encoded, Summary
from octo.trace.file import File

store, number = File(Path(sys.argv[1]), most_bytes=20_000, keep=99), 0
while number < int(sys.argv[2]):
    event = new_id()
    ids = {"event": event, "trace": event, "span": "a"}
    record = {"kind": "flow", "flow": "f", "path": "f", **ids, "at": number, "duration": 0, "outcome": "completed"}
    line = json.dumps(record).encode() + bytes([10])
    store.write([Encoded(Summary("f", event, event, "", number, 0, "completed"), (), line)])
    number += 1
    print(number, flush=True)
"""


def writing(path, count):
    """A process that writes so many traces, and prints the number of each."""
    command = [sys.executable, "-c", WRITER, str(path), str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_each_trace_stands_together_one_record_per_line(path, make):
    File(path).write([make(events=["inner"]), make()])

    kinds = [json.loads(line)["flow"] for line in path.read_text().splitlines()]
    assert kinds == ["f", "g", "f"]


def test_a_full_file_is_rotated_and_only_so_many_are_kept(path, make):
    store = File(path, most_bytes=1000, keep=2)
    for number in range(60):
        store.write([make(at=number)])

    assert {each.name for each in path.parent.iterdir()} == {"t.jsonl", "t.jsonl.1", "t.jsonl.2"}
    assert all(each.stat().st_size < 1500 for each in path.parent.iterdir())
    newest = [each.at for each in store.find()]
    assert newest == list(range(59, 59 - len(newest), -1))
    assert len(newest) > 6


def test_without_files_to_keep_the_full_one_begins_anew(path, make):
    store = File(path, most_bytes=500, keep=0)
    for number in range(20):
        store.write([make(at=number)])

    assert [each.name for each in path.parent.iterdir()] == ["t.jsonl"]


def test_a_file_that_is_taken_away_is_made_anew(path, make):
    store = File(path)
    store.write([make(at=1)])
    path.unlink()
    store.write([make(at=2)])
    path.rename(path.with_name("elsewhere"))
    store.write([make(at=3)])

    assert [each.at for each in store.find()] == [3]


def test_half_a_line_of_a_writer_that_was_killed_spoils_no_other(path, make):
    store = File(path)
    store.write([make(at=1)])
    with path.open("ab") as file:
        file.write(b'{"kind":"flow","trace":"1234')
    store.write([make(at=2)])

    assert [each.at for each in store.find()] == [2, 1]


def test_records_that_are_odd_are_passed(path, make):
    store = File(path)
    store.write([make(at=1)])
    with path.open("ab") as file:
        for odd in (b'"at":"zz"', b'"at":1', b'"at":1,"duration":1,"path":"f","error":"x"'):
            file.write(b'{"kind":"flow","flow":"f","event":"e","trace":"t","span":"a","outcome":"failed",%s}\n' % odd)
        file.write(b"[1,2,3,4,5,6]\n")

    assert [each.at for each in store.find()] == [1]


def test_a_full_disk_is_an_error_and_leaves_no_half_trace(path):
    """A limit of the process on the size of files stands for a full disk."""
    code = """
import resource, signal, sys
from pathlib import Path
from octo.trace.encode import Encoded, Summary
from octo.trace.file import File

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
store = File(Path(sys.argv[1]))
line = b'{"kind":"flow","flow":"f","event":"e","span":"a","at":1,"outcome":"completed","x":"' + b"x" * 1000 + b'"}\\n'
for number in range(9):
    try:
        store.write([Encoded(Summary("f", "e", "t", "", 1, 0, "completed"), (), line)])
    except OSError as error:
        print(number, type(error).__name__)
"""
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["4", "OSError", "5", "OSError", "6", "OSError", "7", "OSError", "8", "OSError"]
    assert len(records(path.read_bytes())) == 4
    assert path.read_bytes().endswith(b"\n")


def test_no_space_left_is_an_error(make):
    with pytest.raises(OSError, match="No space left"):
        File(Path("/dev/full")).write([make()])


def test_a_killed_writer_leaves_a_readable_file(path):
    process = writing(path, 10**9)
    for _ in range(200):
        seen = int(process.stdout.readline())
    process.send_signal(signal.SIGKILL)
    process.communicate()

    store = File(path, keep=99)
    found = store.find(limit=10**6)
    assert len(found) >= seen
    assert store.get(found[0].event)


def test_processes_share_a_file_and_its_rotation(path):
    processes = [writing(path, 200) for _ in range(3)]
    for each in processes:
        each.communicate()

    assert [each.returncode for each in processes] == [0, 0, 0]
    assert len(list(path.parent.iterdir())) > 3
    assert len(File(path, keep=99).find(limit=999)) == 600


@pytest.mark.parametrize("content", [b"no json\n", b"\xff\xfe\n", b"[]\n1\n", b'{"a":1}\n', b"\n"])
def test_a_file_of_something_else_is_refused_and_left_alone(path, make, content):
    path.write_bytes(content)
    path.chmod(0o644)
    store = File(path)

    for use in (
        store.find,
        lambda: store.get("abcdef"),
        lambda: store.ready(write=True),
        lambda: store.write([make()]),
    ):
        with pytest.raises(
            Permanent, match="cannot be used as a trace store: it is not a trace file of Octo"
        ) as caught:
            use()
        assert caught.value.code == "OCTO-S101"
    assert path.read_bytes() == content
    assert path.stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("content", [b"", b'{"kind":"flow","tra', b'{"kind": "dropped", "at": 0, "count": 1}\n'])
def test_a_file_of_ours_becomes_one_for_its_owner_alone(path, make, content):
    path.write_bytes(content)
    path.chmod(0o644)
    File(path).write([make()])

    assert path.stat().st_mode & 0o777 == 0o600
    assert len(File(path).find()) == 1


def test_an_empty_file_has_no_traces(path):
    path.touch()

    assert File(path).find() == []
