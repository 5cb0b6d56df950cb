"""Large content: outside memory, read as often as needed, gone with its last reference."""

from __future__ import annotations

import errno
import gc
import os
from pathlib import Path

import pytest

from octo.core.codec import write
from octo.core.errors import NoRoom
from octo.core.spool import FOLDER, Content, Spool


def spooled(*pieces: bytes, threshold: int = 10) -> bytes | Content:
    spool = Spool(threshold)
    for piece in pieces:
        spool.write(piece)
    return spool.finish()


def descriptors() -> int:
    gc.collect()
    return len(list(Path("/proc/self/fd").iterdir()))


def test_little_stays_in_memory():
    assert spooled(b"12345", b"67890") == b"1234567890"
    assert spooled() == b""


def test_much_is_read_again_and_again():
    content = spooled(b"12345", b"67890", b"1", b"2" * 200_000)

    assert isinstance(content, Content)
    whole = b"12345678901" + b"2" * 200_000
    assert (content.size, len(content)) == (len(whole), len(whole))
    assert content.read() == content.read() == whole == b"".join(content.stream(7777))
    assert max(map(len, content.stream())) <= 64 * 1024


def test_several_read_at_once():
    content = spooled(b"abcdefghijkl")
    assert isinstance(content, Content)
    one, other = content.stream(1), content.stream(1)

    assert [next(one), next(one), next(other), next(one), next(other)] == [b"a", b"b", b"a", b"c", b"b"]


def test_it_has_no_name_and_is_gone_with_its_last_reference(tmp_path, monkeypatch):
    monkeypatch.setenv(FOLDER, str(tmp_path))
    before = descriptors()
    content = spooled(b"x" * 100)
    assert isinstance(content, Content)

    assert list(tmp_path.iterdir()) == []
    assert Path(f"/proc/self/fd/{content._file}").readlink().is_relative_to(tmp_path)
    assert os.fstat(content._file).st_mode & 0o777 == 0o600
    assert descriptors() == before + 1
    del content
    assert descriptors() == before


def test_a_spool_that_is_given_up_leaves_nothing():
    before = descriptors()
    spool = Spool(3)
    spool.write(b"12345")
    del spool
    assert descriptors() == before


def test_equal_is_what_has_the_same_bytes():
    assert spooled(b"x" * 20) == spooled(b"x" * 20) == b"x" * 20
    assert spooled(b"x" * 20) != spooled(b"x" * 19 + b"y")
    assert spooled(b"x" * 20) != b"x" * 19 + b"y"
    assert spooled(b"x" * 20) != b"x" * 21
    assert spooled(b"x" * 20) != "x" * 20
    assert spooled(b"x" * 20) != 20


def test_in_json_it_is_base64_like_all_bytes():
    assert write([spooled(b"x" * 12)]) == b'["eHh4eHh4eHh4eHh4"]'


def test_a_full_disk_is_an_error_that_says_where(monkeypatch, tmp_path):
    """What was written is given back at once: whoever holds the error must not hold the disk."""
    monkeypatch.setenv(FOLDER, str(tmp_path))
    spool = Spool(10)
    spool.write(b"x" * 100)
    limited = os.pwrite

    def full(file, data, at):
        if at + len(data) > 150:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return limited(file, data, at)

    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(NoRoom, match=f"of 200 bytes or more cannot be kept in {tmp_path}: No space left") as caught:
        spool.write(b"x" * 100)

    assert caught.value.code == "OCTO-R124"
    assert spool._content is not None
    assert os.fstat(spool._content._file).st_size == 0


def test_a_folder_that_is_not_there_is_such_an_error(monkeypatch, tmp_path):
    monkeypatch.setenv(FOLDER, str(tmp_path / "gone"))
    with pytest.raises(NoRoom, match="gone: No such file"):
        spooled(b"x" * 100)
