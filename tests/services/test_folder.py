"""Files below a folder: no name and no link leads out of it."""

from __future__ import annotations

import os

import pytest

from octo.core.errors import Permanent
from octo.services import codes, folder
from octo.services.folder import Folder
from octo.services.ports import Missing

MOST = 100


@pytest.fixture
def below(tmp_path):
    """A folder with a secret beside it."""
    (tmp_path / "outside").write_text("not for you")
    (tmp_path / "in").mkdir()
    return Folder(tmp_path / "in", "file")


def test_a_link_within_the_folder_is_followed_and_one_out_of_it_is_not(below):
    (below.path / "real").write_text("x")
    (below.path / "inside").symlink_to("real")
    (below.path / "escape").symlink_to("../outside")
    (below.path / "absolute").symlink_to(below.path.parent / "outside")
    (below.path / "up").symlink_to("..")

    assert below.read("inside", MOST) == b"x"
    for name in ("escape", "absolute", "up/outside", "../outside"):
        with pytest.raises(Permanent) as refused:
            below.read(name, MOST)
        assert refused.value.code == codes.LIMIT
        assert "not for you" not in str(refused.value)


def test_the_folder_itself_may_be_a_link(below, tmp_path):
    (below.path / "a").write_text("x")
    (tmp_path / "link").symlink_to("in")
    assert Folder(tmp_path / "link", "file").read("a", MOST) == b"x"


def test_what_is_no_file_is_missing_and_nobody_waits_for_it(below):
    """A pipe that nobody writes into would block whoever opens it."""
    os.mkfifo(below.path / "pipe")
    (below.path / "folder").mkdir()
    (below.path / "loop").symlink_to("loop")
    (below.path / "dangling").symlink_to("nothing")
    for name in ("pipe", "folder", "loop", "dangling", "nothing", "x" * 300):
        with pytest.raises(Missing, match=name[:80]):
            below.read(name, MOST)


def test_a_file_has_a_largest_size(below):
    (below.path / "large").write_bytes(b"x" * (MOST + 1))
    (below.path / "fits").write_bytes(b"x" * MOST)
    assert len(below.read("fits", MOST)) == MOST
    with pytest.raises(Permanent, match="more than 100 bytes"):
        below.read("large", MOST)


def test_a_file_that_may_not_be_read_is_told(below, monkeypatch):
    (below.path / "closed").write_text("x")

    def denied(*_):  # for root nothing is
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(folder.os, "open", denied)
    with pytest.raises(Permanent, match="cannot be read: Permission denied"):
        below.read("closed", MOST)


def test_a_file_that_is_swapped_during_the_reading_is_read_again(below, monkeypatch):
    (below.path / "a").write_text("new")
    calls = iter([FileNotFoundError(), FileNotFoundError()])
    real = Folder._read

    def swapped(self, name, most):
        for error in calls:
            raise error
        return real(self, name, most)

    monkeypatch.setattr(Folder, "_read", swapped)
    assert below.read("a", MOST) == b"new"


def test_names_are_relative_and_hidden_ones_are_left_out(below):
    for name in ("a", "b/c", "..data/x", ".env", "b/.hidden"):
        (below.path / name).parent.mkdir(exist_ok=True)
        (below.path / name).write_text("x")
    (below.path / "dangling").symlink_to("nothing")
    (below.path / "b" / "round").symlink_to("..")
    assert sorted(below.names()) == ["a", "b/c"]


def test_so_many_files_are_no_longer_listed(below, monkeypatch):
    monkeypatch.setattr(folder, "MOST_FILES", 2)
    for name in "abc":
        (below.path / name).write_text("x")
    with pytest.raises(Permanent, match="more than 2 files"):
        list(below.names())


def test_a_folder_that_is_not_there_is_told(tmp_path):
    with pytest.raises(Permanent, match="does not exist"):
        Folder(tmp_path / "nowhere", "file").check()
