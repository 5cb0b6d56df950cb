"""Paths, sizes, hashes and archives of files."""

from __future__ import annotations

import contextlib
import io
import zipfile

import pytest
from hypothesis import given, strategies as st

from octo_platform.flows import archive
from octo_platform.flows.archive import check_files, checked_path, content_hash, kind_of, packed, unpacked
from octo_platform.problem import Problem

PARTS = st.sampled_from(["a", "b1", "mail.html", "c-d", "_x", "orders.yaml"])
PATHS = st.lists(PARTS, min_size=1, max_size=3).map("/".join)
FILES = st.dictionaries(PATHS, st.binary(max_size=100), max_size=5)
SOME = packed({"a.yaml": b"flows: []" * 20, "x/y.bin": bytes(range(256))})


@pytest.mark.parametrize("path", ["a.yaml", ".env", "pages/.env", "pages/mail.html", "a b.txt", "_x", "A-1.tar.gz"])
def test_ordinary_paths_are_taken(path):
    assert checked_path(path) == path


@pytest.mark.parametrize(
    "path",
    [
        "", "/", "/etc/passwd", "../a", "a/../b", "a/..", "..", ".", "a//b", "a/", "a\\b", "..\\a", "C:\\a", "C:a",
        "a\0b", "a\nb", ".ssh/id", ".git/config", "a/.hidden", "~/a", "a:b", "é", "a" * 201, "con.", "a ", "a./b",
        "%2e%2e/a", "-rf",
    ],
)  # fmt: skip
def test_paths_that_lead_elsewhere_are_refused(path):
    with pytest.raises(Problem) as caught:
        checked_path(path)
    assert caught.value.code == "invalid"


@given(st.text(max_size=60))
def test_a_path_that_is_taken_stays_in_its_folder(path):
    try:
        checked_path(path)
    except Problem:
        return
    parts = path.split("/")
    assert all(part and part not in (".", "..") and "\\" not in part and "\0" not in part for part in parts)


@pytest.mark.parametrize(
    ("path", "kind"),
    [("a.yaml", "flow"), ("a.yml", "flow"), ("a_test.yaml", "test"), ("x/a.yaml", "resource"), ("a.html", "resource")],
)
def test_what_a_file_is_follows_from_its_path(path, kind):
    assert kind_of(path) == kind


@given(FILES)
def test_what_was_packed_is_unpacked(files):
    assert unpacked(packed(files)) == files
    assert packed(files) == packed(dict(reversed(files.items())))


@given(FILES, FILES)
def test_equal_hashes_mean_equal_files(one, other):
    assert (content_hash(one) == content_hash(other)) == (one == other)


def test_bytes_cannot_move_from_a_path_to_a_content():
    assert content_hash({"a": b"b"}) != content_hash({"ab": b""})


@given(st.binary(max_size=400))
def test_what_is_no_archive_is_refused(data):
    with pytest.raises(Problem) as caught:
        unpacked(data)
    assert caught.value.code == "malformed"


@given(st.integers(0, len(SOME) - 1), st.integers(1, 255))
def test_a_damaged_archive_never_raises_anything_else(position, change):
    data = bytearray(SOME)
    data[position] ^= change
    with contextlib.suppress(Problem):
        unpacked(bytes(data))


def _zip(**files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as made:
        for path, content in files.items():
            made.writestr(path.replace("__", "/"), content)
    return buffer.getvalue()


def test_an_archive_that_leads_out_of_its_folder_is_refused():
    with pytest.raises(Problem, match="is no path"):
        unpacked(_zip(**{"..__a": b""}))


def test_a_bomb_is_read_no_further_than_allowed():
    with pytest.raises(Problem, match="more than an integration may have"):
        unpacked(_zip(bomb=bytes(archive.LARGEST_FILE + 1)))
    many = {f"f{n}": bytes(archive.LARGEST_FILE) for n in range(17)}
    with pytest.raises(Problem, match="more than an integration may have"):
        unpacked(_zip(**many))


def test_too_many_or_too_large_files_are_refused():
    with pytest.raises(Problem, match="at most 500 files"):
        check_files({f"f{n}": b"" for n in range(501)})
    with pytest.raises(Problem, match="a file has at most"):
        check_files({"a": bytes(archive.LARGEST_FILE + 1)})
    with pytest.raises(Problem, match="together"):
        check_files({f"f{n}": bytes(archive.LARGEST_FILE) for n in range(17)})
    with pytest.raises(Problem, match="at most 500 files"):
        unpacked(_zip(**{f"f{n}": b"" for n in range(501)}))


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_methods_whose_bombs_cannot_be_stopped_are_refused(method):
    """600 bytes of bzip2 were a gigabyte of memory, and a quarter of a minute in which nobody was answered."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as made:
        made.writestr("a.yaml", bytes(1000))
    with pytest.raises(Problem, match="only stored and deflated"):
        unpacked(buffer.getvalue())


def test_a_name_that_ends_in_an_archive_where_others_read_on_is_refused():
    data = _zip(**{"a.yaml_x": b""}).replace(b"a.yaml_x", b"a.yaml\0x")
    with pytest.raises(Problem, match="is no path"):
        unpacked(data)


@pytest.mark.parametrize(
    "files", [{"a": b"", "a/b": b""}, {"a/b/c": b"", "a/b": b""}, {"a/b/c/d": b"", "a": b""}, {"A": b"", "a/b": b""}]
)
def test_a_file_is_no_folder_of_another(files):
    with pytest.raises(Problem, match="both a file and the folder"):
        check_files(files)


def test_two_paths_that_differ_only_in_capitals_are_refused():
    """On macOS and Windows one of them would be lost."""
    with pytest.raises(Problem, match="differ only in capitals"):
        check_files({"A.yaml": b"", "a.yaml": b""})


def test_a_list_of_half_a_million_files_is_not_read(monkeypatch):
    """Zipfile reads all of it before anything can be refused: five seconds in which nobody is answered."""

    def read(*_):
        raise AssertionError

    monkeypatch.setattr(archive, "_read", read)
    with pytest.raises(Problem, match="at most 500 files"):
        unpacked(b"PK\x01\x02" * 10_001)
