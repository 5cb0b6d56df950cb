"""Work that takes long is seen to go on, and leaves nothing behind."""

from __future__ import annotations

import io

import pytest

from octo.cli.progress import OFTEN, SELDOM, progress


class Stream(io.StringIO):
    def __init__(self, *, terminal: bool) -> None:
        super().__init__()
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal


@pytest.fixture
def shown():
    """What is written while texts are told, each after so many seconds."""

    def run(stream, *told):
        now = 0.0
        with progress(stream, lambda: now) as tell:
            for seconds, text in told:
                now += seconds
                tell(text)
        return stream.getvalue()

    return run


def test_on_a_terminal_one_line_is_rewritten_and_then_gone(shown):
    out = shown(Stream(terminal=True), (OFTEN, "one"), (1, "two"))

    assert out == "\r\x1b[Kone  0s\r\x1b[Ktwo  1s\r\x1b[K"


def test_on_a_terminal_a_line_is_not_rewritten_faster_than_people_read(shown):
    assert "two" not in shown(Stream(terminal=True), (OFTEN, "one"), (OFTEN / 2, "two"))


def test_elsewhere_a_line_comes_now_and_then(shown):
    out = shown(Stream(terminal=False), (1, "one"), (SELDOM, "two"), (1, "three"), (SELDOM, "four"))

    assert out == "two  11s\nfour  22s\n"


@pytest.mark.parametrize("terminal", [True, False])
def test_what_is_done_at_once_shows_nothing(shown, terminal):
    assert shown(Stream(terminal=terminal), (0.01, "one")) == ""


def test_a_name_cannot_command_the_terminal(shown):
    assert "\x1b]0;" not in shown(Stream(terminal=True), (1, "\x1b]0;title\x07"))


def test_a_long_line_stays_on_one_line(shown, monkeypatch):
    monkeypatch.setenv("COLUMNS", "20")

    assert shown(Stream(terminal=True), (1, "x" * 100)) == f"\r\x1b[K{'x' * 19}\r\x1b[K"


def test_nobody_at_the_other_end_does_not_end_the_work(shown):
    stream = Stream(terminal=False)
    stream.write = lambda text: (_ for _ in ()).throw(BrokenPipeError())

    assert shown(stream, (SELDOM, "one"), (SELDOM, "two")) == ""
