"""Lines of one kind are written a few times, then counted."""

from __future__ import annotations

import io
import logging

import pytest

from octo.core import repeats, secrets
from octo.core.log import Lines, Text, fields
from octo.core.repeats import FIRST, SPAN


@pytest.fixture
def written(monkeypatch):
    """A logger, the lines that it wrote, and the clock that its repeats use."""
    stream = io.StringIO()
    handler = Lines(stream)
    handler.setFormatter(Text())
    now = [0.0]
    handler._repeats._clock = lambda: now[0]
    logger = logging.Logger("octo.test")  # noqa: LOG001  its name changes below
    logger.addHandler(handler)
    return logger, stream, now, handler


def lines(stream):
    return stream.getvalue().splitlines()


def test_the_first_few_are_written_and_the_others_counted(written):
    logger, stream, now, _ = written
    for _ in range(FIRST + 90):
        logger.error("flow failed", extra=fields(flow="a", code="X"))
    assert len(lines(stream)) == FIRST

    now[0] = SPAN
    logger.info("something else")

    told, other = lines(stream)[FIRST:]
    assert 'level=ERROR msg="repeated, not shown" line="flow failed" times=90 flow=a code=X' in told
    assert "something else" in other


def test_lines_of_other_flows_are_other_lines(written):
    logger, stream, _, _ = written
    for flow in ("a", "b", "c"):
        for _ in range(FIRST):
            logger.error("flow failed", extra=fields(flow=flow))

    assert len(lines(stream)) == 3 * FIRST


def test_after_a_while_they_are_written_again(written):
    logger, stream, now, _ = written
    for _ in range(FIRST + 1):
        logger.warning("again")
    now[0] = SPAN
    logger.warning("again")

    assert [line.split("msg=")[1] for line in lines(stream)[FIRST:]] == [
        '"repeated, not shown" line=again times=1',
        "again",
    ]


def test_what_is_over_is_looked_for_once_a_second(written):
    """Not at every line: there can be a thousand kinds."""
    logger, stream, now, _ = written
    for _ in range(FIRST + 1):
        logger.warning("again")
    for text, moment in (("a", SPAN - 0.5), ("b", SPAN), ("c", SPAN + 0.5)):
        now[0] = moment
        logger.info(text)

    assert [line.split("msg=")[1].split()[0] for line in lines(stream)[FIRST:]] == ["a", "b", '"repeated,', "c"]


def test_what_was_left_out_is_told_at_the_end(written):
    logger, stream, _, handler = written
    for _ in range(FIRST + 5):
        logger.warning("again")
    handler.close()

    assert "times=5" in lines(stream)[-1]


@pytest.mark.parametrize(("name", "level"), [("octo.test", logging.INFO), (repeats.AUTHORS, logging.ERROR)])
def test_ordinary_lines_and_those_that_authors_ask_for_are_all_written(written, name, level):
    logger, stream, _, _ = written
    logger.name = name
    for _ in range(FIRST * 3):
        logger.log(level, "%s", "hello")

    assert len(lines(stream)) == FIRST * 3


def test_too_many_kinds_are_not_told_apart_any_more(written, monkeypatch):
    monkeypatch.setattr(repeats, "KINDS", 2)
    logger, stream, _, handler = written
    for flow in range(5):
        for _ in range(FIRST + 1):
            logger.warning("full", extra=fields(flow=flow))

    assert len(handler._repeats._counts) == 2
    assert len(lines(stream)) == 2 * FIRST + 3 * (FIRST + 1)


def test_a_repeated_line_keeps_its_secrets(written):
    logger, stream, _, handler = written
    secrets.mask("hunter22")
    for _ in range(FIRST + 1):
        logger.warning("login with hunter22 refused")
    handler.close()

    assert "hunter22" not in stream.getvalue()


KINDS = [
    ("octo.test", logging.WARNING, "m", {"path": "f.a"}),
    ("octo.test", logging.WARNING, "m", {"path": "f.b"}),
    ("octo.test", logging.WARNING, "m", {"source": "s"}),
    ("octo.test", logging.WARNING, "m", {"code": "c"}),
    ("octo.test", logging.WARNING, "m", {}),
    ("octo.test", logging.WARNING, "other", {}),
    ("octo.test", logging.ERROR, "m", {}),
    ("octo.other", logging.WARNING, "m", {}),
]


def test_a_kind_is_told_by_logger_level_text_and_place(written):
    """A kind that floods the log hides none of the others."""
    logger, stream, _, handler = written
    for name, level, message, values in KINDS:
        logger.name = name
        for number in range(FIRST):
            logger.log(level, message, extra=fields(**values, event_id=str(number)))
    handler.close()

    assert len(lines(stream)) == len(KINDS) * FIRST


def test_what_was_left_out_is_told_as_the_last_of_it_was(written):
    """The line has its place and its text, but not its traceback, which can be long."""
    logger, stream, _, handler = written
    for number in range(FIRST + 2):
        try:
            raise ValueError(number)
        except ValueError:
            logger.exception("try %d", number, extra=fields(path="f.a", source="s", body="long"))
    handler.close()

    _, _, told = lines(stream)[-1].partition(" ")
    assert told == f'level=ERROR msg="repeated, not shown" line="try {FIRST + 1}" times=2 path=f.a source=s'
