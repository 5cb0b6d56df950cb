"""What is remembered of files tells that they changed, and whether something may be missing."""

from __future__ import annotations

import os

import pytest

from octo.engine.prints import being_written, fingerprint, may_be_cut

TEXT = "flows:\n" + "".join(f"  - {{name: flow{number}, process: []}}\n" for number in range(20))


def test_what_is_no_file_has_no_print(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("gone")

    names = ("pipe", "link", "gone")
    assert fingerprint(tmp_path / name for name in names) == {tmp_path / name: None for name in names}
    assert fingerprint([tmp_path / "folder"]) == {}


def test_a_change_within_one_tick_of_the_file_system_is_seen(tmp_path):
    """Some keep the time of a change to the second only."""
    file = tmp_path / "a.yaml"
    file.write_text("port: 1")
    os.utime(file, (1, 1))
    before = fingerprint([file])
    file.write_text("port: 2")
    os.utime(file, (1, 1))

    assert fingerprint([file]) != before


@pytest.mark.parametrize(
    ("new", "cut"),
    [
        (TEXT, False),
        (TEXT.replace("flow3", "f"), False),
        (TEXT + "  - {name: more, process: []}\n", False),
        (TEXT.rstrip(), False),
        (TEXT[:-1] + "#", False),
        (TEXT[:100], True),
        (TEXT[:-3], True),
        ("", True),
        (None, True),
    ],
)
def test_what_is_shorter_and_ends_elsewhere_may_be_cut(tmp_path, new, cut):
    file = tmp_path / "a.yaml"
    file.write_text(TEXT)
    good = fingerprint([file])
    file.unlink() if new is None else file.write_text(new)

    assert may_be_cut(good, fingerprint([file])) is cut


def test_nothing_tells_where_a_new_file_ends(tmp_path):
    good = fingerprint([tmp_path])
    (tmp_path / "a.yaml").write_text(TEXT)

    assert may_be_cut(good, fingerprint([tmp_path]))


def test_a_file_is_being_written_while_somebody_has_it_open_for_writing(tmp_path):
    file = tmp_path / "a.yaml"
    with file.open("w") as writer:
        writer.write(TEXT)
        assert being_written([tmp_path / "gone.yaml", file]) == file
    with file.open():
        assert being_written([file]) is None


def test_a_writer_that_comes_while_the_system_is_asked_ends_nothing(tmp_path):
    """The default action of the signal about it would end the process."""
    file = tmp_path / "a.yaml"
    file.write_text(TEXT)
    child = os.fork()
    if not child:
        for _ in range(2000):
            file.write_text(TEXT)
        os._exit(0)
    while os.waitpid(child, os.WNOHANG) == (0, 0):
        being_written([file])
