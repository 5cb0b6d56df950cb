"""Standard output of a service: nothing is kept that could not be written, and nobody is waited for long."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from octo.core import output
from octo.core.output import Whole

full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")


@pytest.fixture
def pipe():
    """A pipe: the end to read from and the end to write to."""
    ends = os.pipe()
    yield ends
    for each in ends:
        os.close(each)


def fill(descriptor):
    """Write into a pipe until it takes no more."""
    os.set_blocking(descriptor, False)
    with suppress(BlockingIOError):
        while True:
            os.write(descriptor, b"x" * 4096)
    os.set_blocking(descriptor, True)


def test_a_text_of_any_size_is_written_whole(tmp_path):
    path = tmp_path / "out"
    with path.open("wb") as file:
        assert Whole(file.fileno()).write(b"y" * 1_000_000) == 1_000_000

    assert path.read_bytes() == b"y" * 1_000_000


def test_a_line_into_a_file_is_written_at_once(tmp_path, monkeypatch):
    """Processes that write to the same file do not mix their lines."""
    line = b"y" * 100_000 + b"\n"
    pieces = []
    real = os.write
    with (tmp_path / "out").open("wb") as file:
        monkeypatch.setattr(os, "write", lambda *given: pieces.append(real(*given)) or pieces[-1])
        Whole(file.fileno()).write(line)

    assert pieces == [len(line)]


def test_a_reader_that_does_not_read_is_not_waited_for(pipe):
    read, write = pipe
    writer = Whole(write, patience=0)
    fill(write)
    with pytest.raises(BlockingIOError, match="nobody reads"):
        writer.write(b"lost\n")
    os.read(read, 1 << 20)

    writer.write(b"next\n")

    assert os.read(read, 1 << 20) == b"next\n"


def test_a_reader_is_waited_for_once_until_it_reads_again(pipe, monkeypatch):
    read, write = pipe
    waited = []
    real = output._waiting(write)
    monkeypatch.setattr(output, "_waiting", lambda _: lambda seconds: waited.append(seconds) or real(0))
    writer = Whole(write, patience=7)
    fill(write)
    for _ in range(2):
        with pytest.raises(BlockingIOError):
            writer.write(b"lost\n")
    os.read(read, 1 << 20)

    writer.write(b"next\n")
    writer.write(b"more\n")

    assert waited == [7, 0, 0, 7]


def test_it_tells_which_descriptor_and_whether_that_is_a_terminal(pipe):
    """Colours depend on it."""
    ours, theirs = os.openpty()
    try:
        assert [(each.fileno(), each.isatty()) for each in map(Whole, (theirs, pipe[1]))] == [
            (theirs, True),
            (pipe[1], False),
        ]
    finally:
        os.close(ours), os.close(theirs)


def test_a_line_that_was_cut_gets_an_end(pipe):
    read, write = pipe
    writer = Whole(write, patience=0)
    with pytest.raises(BlockingIOError):
        writer.write(b"z" * 10_000_000)
    os.read(read, 1 << 20)

    writer.write(b"next\n")

    assert os.read(read, 1 << 20).endswith(b"\nnext\n")


@full
@pytest.mark.parametrize(("stream", "other"), [("stdout", "stderr"), ("stderr", "stdout")])
def test_a_full_disk_leaves_nothing_that_fails_at_the_end(stream, other):
    """Python's own stream would make this program end with 120."""
    code = f"""
import sys
from octo.core.output import steady
steady()
try: print("lost", file=sys.{stream})
except OSError: sys.{other}.write("told")
"""
    with Path("/dev/full").open("w") as out:
        done = subprocess.run([sys.executable, "-c", code], **{stream: out, other: subprocess.PIPE}, check=False)

    assert (done.returncode, getattr(done, other)) == (0, b"told")


def test_what_was_written_before_comes_first():
    code = "import sys; from octo.core.output import steady; print(1); steady(); print(2)"

    assert subprocess.check_output([sys.executable, "-c", code]) == b"1\n2\n"


def test_streams_of_tests_and_closed_ones_stay_as_they_are(monkeypatch):
    code = "import sys; from octo.core.output import steady; steady(); sys.exit(sys.stdout is not None)"

    assert subprocess.call(["sh", "-c", f'"{sys.executable}" -c "{code}" >&-']) == 0
