"""Keys of an installation: given, or made once and kept."""

from __future__ import annotations

import errno
import os

import pytest

from octo_platform.options import Options
from octo_platform.storage.keys import NoKey, read_keys
from octo_platform.storage.sealing import new_key


def test_one_is_made_and_found_again(tmp_path):
    options = Options(folder=tmp_path)
    (key,) = read_keys(options)
    assert read_keys(options) == [key]
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o600


def test_given_ones_win(tmp_path):
    read_keys(Options(folder=tmp_path))
    key = new_key()
    assert read_keys(Options(folder=tmp_path, keys=(key,))) == [key]


def test_on_a_server_none_is_made(tmp_path):
    with pytest.raises(NoKey, match="OCTO_PLATFORM_KEYS"):
        read_keys(Options(folder=tmp_path, database="postgresql://h/d"))
    assert not (tmp_path / "keys").exists()


def test_what_a_full_disk_leaves_is_no_key(tmp_path, monkeypatch):
    """It is whole or not there: an empty file kept the platform from ever starting again."""

    def full(file: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            read_keys(Options(folder=tmp_path))
    assert list(tmp_path.iterdir()) == []
    assert read_keys(Options(folder=tmp_path))


def test_an_empty_file_is_no_key(tmp_path):
    (tmp_path / "keys").touch()
    with pytest.raises(NoKey, match="is empty"):
        read_keys(Options(folder=tmp_path))


@pytest.mark.parametrize("place", ["sqlite:elsewhere.db", "elsewhere.db"])
def test_a_file_elsewhere_is_no_server(tmp_path, place):
    (key,) = read_keys(Options(folder=tmp_path, database=place))
    assert (tmp_path / "keys").read_text() == f"{key}\n"


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"no key", "schlüssel".encode(), b"aGVsbG8="])
def test_a_file_that_was_damaged_is_told_by_its_name(tmp_path, content):
    path = tmp_path / "keys"
    path.write_bytes(content)
    with pytest.raises(NoKey, match="keys: a key is base64 of 32 bytes") as caught:
        read_keys(Options(folder=tmp_path))
    assert str(path) in str(caught.value)
    assert path.read_bytes() == content
