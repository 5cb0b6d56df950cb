"""Folders of deployments: written once, closed to others, and gone as a whole."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from octo_platform.deploy.local.folders import Root
from octo_platform.deploy.target import Refused


@pytest.fixture
def root(tmp_path):
    made = Root(tmp_path / "root")
    made.prepare()
    return made


@pytest.fixture
def folder(root):
    made = root.folder("d1")
    made.prepare()
    return made


def test_a_bundle_is_written_once(folder):
    files = {"flow.yaml": b"flows: []", "templates/mail/a b.html": b"<p>", "empty": b""}
    place = folder.bundle("abc", files)
    before = place.stat().st_ino

    assert folder.bundle("abc", files).stat().st_ino == before
    assert {path: (place / path).read_bytes() for path in files} == files
    assert stat.S_IMODE((place / "templates/mail/a b.html").stat().st_mode) == 0o400
    assert [each.name for each in place.parent.iterdir()] == ["abc"]


def test_a_bundle_that_a_crash_cut_off_is_written_again(folder):
    place = folder.bundle("abc", {"a": b"1", "b": b"2"})
    place.chmod(0o700)
    (place / "b").chmod(0o600)
    (place / "b").write_bytes(b"")
    (place / "link").symlink_to("/etc/passwd")

    assert folder.bundle("abc", {"a": b"1", "b": b"2"}) == place
    assert {each.name: each.read_bytes() for each in place.iterdir()} == {"a": b"1", "b": b"2"}


@pytest.mark.parametrize(
    "path", ["", ".", "..", "/a", "a/", "../a", "a/../b", "a//b", "./a", "a\0b", "a\nb", "a\\b", "\ud800", "a" * 256]
)
def test_paths_that_are_none_of_a_file_below_are_refused(folder, path):
    with pytest.raises(Refused):
        folder.bundle("abc", {"flow.yaml": b"", path: b""})

    assert list((folder.path / "bundles").iterdir()) == []


def test_a_path_that_is_file_and_folder_is_refused(folder):
    with pytest.raises(Refused):
        folder.bundle("abc", {"a/b": b"", "a": b""})

    assert list((folder.path / "bundles").iterdir()) == []


def test_secrets_are_files_for_one_user_in_a_folder_without_a_telling_name(folder):
    first, second = (folder.secrets({"bank": "geheim", "key.pem": "a\nb\n"}) for _ in range(2))

    assert first != second
    assert {each.name: each.read_text() for each in first.iterdir()} == {"bank": "geheim", "key.pem": "a\nb\n"}
    modes = {stat.S_IMODE(each.stat().st_mode) for each in (first.parent, first, *first.iterdir())}
    assert modes == {0o700, 0o500, 0o400}


def test_what_is_not_used_is_removed(folder):
    kept, gone = (folder.bundle(name, {"a/b": b""}) for name in ("kept", "gone"))
    secrets = [folder.secrets({"a": "b"}) for _ in range(2)]
    folder.keep_only([kept, secrets[1]])

    assert [each.exists() for each in (kept, gone, *secrets)] == [True, False, False, True]


def test_a_folder_goes_as_a_whole(root, folder):
    folder.bundle("abc", {"a/b/c": b""})
    folder.secrets({"a": "b"})
    outside = root.path.parent / "outside"
    outside.mkdir()
    (outside / "file").write_text("stays")
    (folder.path / "work" / "link").symlink_to(outside)
    folder.remove()
    folder.remove()

    assert list(root.path.iterdir()) == []
    assert (outside / "file").read_text() == "stays"


def test_what_a_crash_left_half_removed_is_no_deployment(root, folder):
    folder.path.rename(root.path / ".gone-1")
    assert root.deployments() == set()
    root.prepare()

    assert list(root.path.iterdir()) == []


def test_a_port_is_remembered(root, folder):
    assert folder.port() is None
    folder.remember(20001)
    assert (folder.port(), root.ports()) == (20001, {20001})
    (folder.path / "port").write_text("nonsense")
    assert (folder.port(), root.ports()) == (None, set())


@pytest.mark.parametrize("deployment", ["", ".", "..", ".run", "a/b", "a\0", "a" * 64, "-a", "ä"])
def test_what_is_no_id_is_refused(root, deployment):
    with pytest.raises(Refused):
        root.folder(deployment)


@pytest.mark.parametrize("length", [1, 120])
def test_paths_of_sockets_are_short_enough(tmp_path, length):
    """Also below a long path; and nothing is left of those before."""
    root = Root(tmp_path / ("x" * length))
    root.prepare()
    first = root.sockets()
    (first / "left.sock").touch()
    second = root.sockets()

    assert len(os.fsencode(second)) < 100
    assert list(second.iterdir()) == []
    assert stat.S_IMODE(second.stat().st_mode) == 0o700
    root.forget_sockets(second)
    assert not any(each.exists() for each in (first, second))
    assert not Path(root.path / ".run").is_symlink()
