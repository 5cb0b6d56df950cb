"""Files below a folder, and none outside of it."""

from __future__ import annotations

import errno
import os

import pytest

from octo.connectors.http import files
from octo.connectors.http.conditions import Part
from octo.core.errors import Overloaded


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("a.css", ["a.css"]),
        ("a/b.css", ["a", "b.css"]),
        ("a/", ["a"]),
        ("", []),
        (".well-known/x", [".well-known", "x"]),
        ("..", None),
        ("a/../b", None),
        (".", None),
        (".env", None),
        ("a/.git/config", None),
        ("a//b", None),
        ("/etc/passwd", None),
        ("a\0b", None),
        ("a\\..\\b", None),
    ],
)
def test_names(path, names):
    """Nothing climbs, and nothing hidden is served."""
    assert files.parts_of(path) == names


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.html", "text/html; charset=utf-8"),
        ("a.js", "text/javascript; charset=utf-8"),
        ("a.css", "text/css; charset=utf-8"),
        ("a.json", "application/json; charset=utf-8"),
        ("a.svg", "image/svg+xml; charset=utf-8"),
        ("a.png", "image/png"),
        ("a.woff2", "font/woff2"),
        ("a.pdf", "application/pdf"),
        ("a.tar.gz", "application/gzip"),
        ("a.css.gz", "application/gzip"),
        ("a.svgz", "application/gzip"),
        ("a.tar.bz2", "application/x-bzip2"),
        ("a.js.br", "application/octet-stream"),
        ("a.unknown", "application/octet-stream"),
        ("LICENSE", "application/octet-stream"),
    ],
)
def test_kinds(name, kind):
    """The same on every machine."""
    assert files.kind_of(name) == kind


@pytest.fixture
def folder(tmp_path):
    inside = tmp_path / "inside"
    (inside / "sub").mkdir(parents=True)
    (inside / "a.txt").write_text("0123456789")
    (inside / "link.txt").symlink_to("a.txt")
    (inside / "out.txt").symlink_to(tmp_path / "secret.txt")
    (inside / "up").symlink_to(tmp_path)
    (inside / "circle").symlink_to("circle")
    (inside / "broken").symlink_to("nothing")
    (tmp_path / "secret.txt").write_text("secret")
    os.mkfifo(inside / "pipe")
    (inside / "null").symlink_to("/dev/null")
    return inside


@pytest.mark.parametrize("name", ["a.txt", "link.txt"])
def test_a_regular_file_is_found(folder, name):
    """Also by a link inside the folder."""
    file = files.find(folder, [name], zipped=False)
    assert file is not None
    assert (file.size, b"".join(file.pieces(Part(2, 5))), file.encoding) == (10, b"234", "")
    file.close()


@pytest.mark.parametrize(
    "names",
    [
        ["out.txt"],
        ["up", "secret.txt"],
        ["circle"],
        ["broken"],
        ["sub"],
        ["pipe"],
        ["null"],
        ["gone"],
        ["a.txt", "b"],
        ["x" * 300],
    ],
)
def test_nothing_else_is(folder, names):
    """A pipe is not waited for either."""
    assert files.find(folder, names, zipped=False) is None


def test_a_link_that_changes_meanwhile_leads_nowhere(folder, monkeypatch):
    """What was opened is looked at, not what its name led to before."""
    monkeypatch.setattr(files, "_is_inside", lambda *_: True)

    assert files.find(folder, ["out.txt"], zipped=False) is None


def test_a_zipped_file_is_sent_instead_if_it_is_wanted(folder):
    """With the content type of the other."""
    (folder / "a.txt.gz").write_bytes(b"zipped")
    plain, zipped = (files.find(folder, ["a.txt"], zipped=each) for each in (False, True))
    assert plain is not None
    assert zipped is not None

    assert (zipped.encoding, zipped.kind, zipped.size) == ("gzip", "text/plain; charset=utf-8", 6)
    assert plain.encoding == ""
    assert plain.version.tag != zipped.version.tag
    plain.close()
    zipped.close()


def test_a_file_that_has_just_changed_has_a_weak_tag(folder):
    """Another change could follow within the grain of the clock."""
    os.utime(folder / "a.txt", (1_700_000_000, 1_700_000_000))
    (folder / "new.txt").write_text("x")
    old, new = (files.find(folder, [name], zipped=False) for name in ("a.txt", "new.txt"))
    assert old is not None
    assert new is not None

    assert old.version.tag.startswith('"a-')
    assert new.version.tag.startswith('W/"1-')
    old.close()
    new.close()


def test_folders(folder):
    """Of links only those that stay inside."""
    assert files.is_folder(folder, ["sub"])
    assert not files.is_folder(folder, ["up"])
    assert not files.is_folder(folder, ["a.txt"])
    assert not files.is_folder(folder, ["a" * 300])  # longer than any name may be


def test_a_file_that_nobody_closes_is_closed(folder):
    """A request may be cancelled while its file is opened in a thread."""
    file = files.find(folder, ["a.txt"], zipped=False)
    assert file is not None
    descriptor = file._descriptor
    del file

    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE])
def test_a_file_that_cannot_be_opened_now_is_not_gone(folder, monkeypatch, number):
    """404 would be kept, and the page for all paths would be sent instead of a script."""

    def full(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "open", full)
    with pytest.raises(Overloaded, match="cannot be opened: Too many open files"):
        files.find(folder, ["a.txt"], zipped=False)
