"""The process log: one safe line per event, whatever happens."""

import io
import json
import logging
import os
import re
import sys
import warnings
from pathlib import Path

import orjson
import pytest

from octo.core import current, log, secrets
from octo.core.bounded import MOST
from octo.core.log import File, Json, Lines, Text, configure, fields
from octo.core.message import Message
from octo.core.secrets import mask


@pytest.fixture(autouse=True)
def _restored(monkeypatch):
    """Leave the process's logging as it was."""
    root, octo = logging.getLogger(), logging.getLogger("octo")
    handlers, levels = list(root.handlers), (root.level, octo.level)
    monkeypatch.delenv("LOG_LEVEL", raising=False)
    monkeypatch.delenv("LOG_FORMAT", raising=False)
    monkeypatch.setattr(secrets, "_secrets", {})
    monkeypatch.setattr(log, "_lost", 0)
    yield
    root.handlers = handlers
    root.setLevel(levels[0])
    octo.setLevel(levels[1])
    logging.captureWarnings(False)


def line(message, *args, level=logging.INFO, formatter=None, exc_info=None, name="octo.test", **values):
    """One formatted line."""
    record = logging.LogRecord(name, level, __file__, 1, message, args, exc_info)
    if values:
        record.fields = values
    return (formatter or Text()).format(record)


def after_time(text):
    assert re.match(r"time=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d ", text)
    return text.split(" ", 1)[1]


def test_a_text_line_names_time_level_message_and_fields():
    """The line reads like slog's: plain words bare, everything else quoted."""
    text = line("starting flow", flow="orders", workers=8, ready=True, path="a b", empty="", nothing=None)
    assert after_time(text) == (
        'level=INFO msg="starting flow" flow=orders workers=8 ready=true path="a b" empty="" nothing=null'
    )


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("a=b", '"a=b"'),
        ('say "hi"', '"say \\"hi\\""'),
        ("two\nlines", '"two\\nlines"'),
        ("\x1b[31mred", '"\\x1b[31mred"'),
        ("\u2028", '"\\u2028"'),
        ("\ud800", '"\\ud800"'),
        ("back\\slash", "back\\slash"),
        ("back \\slash", '"back \\\\slash"'),
        ("größe", "größe"),
        ({"a": [1, 2]}, '"{\\"a\\":[1,2]}"'),
        (12345678901234567890123, "12345678901234567890123"),
    ],
)
def test_a_value_never_breaks_its_line(value, written):
    """Quotes, line breaks, terminal escapes and broken Unicode are escaped: no value forges a line or a colour."""
    assert after_time(line("m", value=value)) == f"level=INFO msg=m value={written}"


def test_a_json_line_is_one_object_with_the_same_content():
    """JSON keeps the kinds of values, on one line."""
    text = line("two\nlines", level=logging.WARNING, formatter=Json(), flow="orders", body={"n": 2**70, "s": "\ud800"})
    assert "\n" not in text
    parsed = json.loads(text)
    assert parsed.pop("time")
    assert parsed == {"level": "WARN", "msg": "two\nlines", "flow": "orders", "body": {"n": 2**70, "s": "\ud800"}}


def test_a_field_cannot_pose_as_the_level():
    """A field named like a part of the line is kept under another name."""
    assert after_time(line("m", level=logging.INFO, formatter=Text(), msg="other")) == "level=INFO msg=m msg_=other"


def test_a_traceback_stays_on_the_line():
    """An exception is a field: `grep` finds the whole event in one line."""
    try:
        raise ValueError("no good")
    except ValueError:
        text = line("failed", exc_info=sys.exc_info())
    assert "\n" not in text
    assert 'traceback="Traceback (most recent call last):\\n' in text
    assert "ValueError: no good" in text


def test_secrets_are_masked_wherever_they_stand():
    """Message, arguments, fields, nested values, keys and tracebacks: none shows a registered secret."""
    mask('p@ss "word"')
    try:
        raise ValueError('cannot connect with p@ss "word"')
    except ValueError:
        info = sys.exc_info()
    for formatter in (Text(), Json()):
        text = line(
            'using %s and p@ss "word"',
            'p@ss "word"',
            formatter=formatter,
            exc_info=info,
            url="postgres://u:p%40ss%20%22word%22@host",
            body={"deep": [{'p@ss "word"': 'p@ss "word"'}], "json": '{"x":"p@ss \\"word\\""}'},
            error=ValueError('p@ss "word"'),
        )
        assert "word" not in text
        assert text.count("«secret»") >= 7


def test_a_bad_format_string_loses_nothing():
    """A wrong log call is written with its format string and arguments, and does not raise."""
    assert after_time(line("%d items", "three")) == "level=INFO msg=\"%d items ('three',)\""


def test_a_value_that_cannot_be_printed_is_named():
    """A `__str__` that raises loses its value, not the line."""

    class Broken:
        def __str__(self):
            raise RuntimeError

    assert after_time(line("m", value=Broken())) == 'level=INFO msg=m value="<Broken: RuntimeError in __str__>"'


def test_configure_writes_octo_at_its_level_and_libraries_when_they_warn():
    """Our own lines follow the level; lines of a library are written from warnings on, with the name of its logger."""
    stream = io.StringIO()
    configure("info", "text", stream)
    logging.getLogger("octo.x").debug("hidden")
    logging.getLogger("octo.x").info("shown")
    logging.getLogger("library").info("hidden")
    logging.getLogger("library").warning("odd")
    lines = [after_time(each) for each in stream.getvalue().splitlines()]
    assert lines == ["level=INFO msg=shown", "level=WARN msg=odd logger=library"]


def test_configure_again_replaces_the_first():
    """A second call does not write every line twice."""
    first, second = io.StringIO(), io.StringIO()
    configure("info", "text", first)
    configure("debug", "json", second)
    logging.getLogger("octo").debug("once", extra=fields(n=1))
    assert first.getvalue() == ""
    assert orjson.loads(second.getvalue())["n"] == 1


def test_the_environment_chooses_level_and_format(monkeypatch):
    """LOG_LEVEL and LOG_FORMAT apply when the caller gives no level or format."""
    monkeypatch.setenv("LOG_LEVEL", "Warning")
    monkeypatch.setenv("LOG_FORMAT", "json")
    stream = io.StringIO()
    configure(stream=stream)
    logging.getLogger("octo").info("hidden")
    logging.getLogger("octo").warning("shown")
    assert [orjson.loads(each)["msg"] for each in stream.getvalue().splitlines()] == ["shown"]


def test_an_unknown_level_is_warned_about_and_means_info(monkeypatch):
    """A typo in LOG_LEVEL does not keep a service from starting."""
    monkeypatch.setenv("LOG_LEVEL", "verbose")
    stream = io.StringIO()
    configure(stream=stream)
    assert after_time(stream.getvalue()) == 'level=WARN msg="LOG_LEVEL is not known, using info" value=verbose\n'
    assert logging.getLogger("octo").level == logging.INFO


def test_on_a_terminal_a_traceback_has_its_own_lines():
    """And no text of an error controls the terminal."""
    record = logging.makeLogRecord({"name": "octo", "msg": "m", "levelno": logging.ERROR, "created": 0.0})
    try:
        raise ValueError("a \x1b[2J text")
    except ValueError as error:
        record.exc_info = (type(error), error, error.__traceback__)

    line, *trace = log.Text(coloured=True).format(record).split("\n")

    assert re.fullmatch(r"time=\d\d:\d\d:\d\d\.000 level=ERROR msg=m", re.sub(r"\x1b\[\d*m", "", line))
    assert trace[0] == "  Traceback (most recent call last):"
    assert trace[-1] == "  ValueError: a \\x1b[2J text"


def test_colours_are_for_terminals_only(monkeypatch):
    """A terminal gets a coloured level, a pipe does not, and NO_COLOR is respected."""

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    def written(stream):
        configure("info", "text", stream)
        logging.getLogger("octo").info("m")
        return stream.getvalue()

    monkeypatch.delenv("NO_COLOR", raising=False)
    assert written(Terminal()).endswith("\x1b[2mlevel=\x1b[0m\x1b[32mINFO\x1b[0m \x1b[2mmsg=\x1b[0mm\n")
    assert "\x1b" not in written(io.StringIO())
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in written(Terminal())


def test_a_stream_that_fails_is_counted_and_work_goes_on():
    """A full disk or a closed stream never raises in the code that logs."""

    class Full(io.StringIO):
        def write(self, text):
            raise OSError(28, "No space left on device")

    closed = io.StringIO()
    closed.close()
    for stream in (Full(), closed):
        configure("info", "text", stream)
        logging.getLogger("octo").info("m")
    assert log.lost() == 2


def test_when_a_stream_works_again_it_says_how_many_lines_are_missing():
    class Once(io.StringIO):
        full = True

        def write(self, text):
            if self.full:
                raise OSError(28, "No space left on device")
            return super().write(text)

    stream = Once()
    configure("info", "text", stream)
    for number in range(3):
        logging.getLogger("octo").info("lost %d", number)
    stream.full = False
    logging.getLogger("octo").info("kept")
    logging.getLogger("octo").info("kept too")

    lines = [line.split(" ", 1)[1] for line in stream.getvalue().splitlines()]
    assert lines == [
        'level=WARN msg="log lines could not be written" lines=3', "level=INFO msg=kept", 'level=INFO msg="kept too"'
    ]  # fmt: skip
    assert log.lost() == 3


def test_a_stream_of_few_characters_gets_escapes():
    """An ASCII terminal shows an escape; the line is not lost."""
    raw = io.BytesIO()
    handler = Lines(io.TextIOWrapper(raw, encoding="ascii"))
    handler.setFormatter(Text())
    handler.handle(logging.LogRecord("octo", logging.INFO, "", 1, "größe", (), None))
    assert b"msg=gr\\xf6\\xdfe" in raw.getvalue()
    assert log.lost() == 0


def test_a_log_file_is_private_appended_to_and_followed(tmp_path):
    """The file has mode 0600, lines are appended, and after rotation they go to the new file."""
    path = tmp_path / "app.log"
    path.write_text("old\n")
    path.unlink()
    handler = File(path)
    handler.setFormatter(Text())
    record = logging.LogRecord("octo", logging.INFO, "", 1, "one", (), None)
    handler.handle(record)
    assert path.stat().st_mode & 0o777 == 0o600
    path.rename(tmp_path / "app.log.1")
    handler.handle(record)
    handler.close()
    assert path.read_text().count("msg=one") == 1
    again = File(path)
    again.setFormatter(Text())
    again.handle(record)
    again.close()
    assert path.read_text().count("msg=one") == 2


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_reported_once(caplog):
    """Lines that do not fit on the disk are counted; the process log reports the first one only."""
    handler = File(Path("/dev/full"))
    handler.setFormatter(Text())
    with caplog.at_level("WARNING", "octo.log"):
        for _ in range(3):
            handler.handle(logging.LogRecord("octo", logging.INFO, "", 1, "m", (), None))
    handler.close()
    assert log.lost() == 3
    assert [record.message for record in caplog.records] == ["cannot write a log file; its lines are lost"]


def test_when_a_log_file_works_again_it_is_told(caplog, tmp_path):
    """Once. The disk was full, in the middle of a line too."""
    path = tmp_path / "app.log"
    handler = File(path)
    handler.setFormatter(logging.Formatter("%(message)s"))
    record = logging.LogRecord("octo", logging.INFO, "", 1, "a line", (), None)
    with caplog.at_level("WARNING", "octo.log"):
        room = [3, OSError(28, "full"), OSError(28, "full")]
        real = os.write

        def write(descriptor, data):
            step = room.pop(0) if room else len(data)
            if isinstance(step, OSError):
                raise step
            return real(descriptor, data[:step])

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(log.os, "write", write)
            for _ in range(4):
                handler.handle(record)
    handler.close()

    assert path.read_text() == "a l\na line\na line\n"
    assert [record.message for record in caplog.records] == [
        "cannot write a log file; its lines are lost", "a log file can be written again; lines were lost"
    ]  # fmt: skip
    assert caplog.records[1].fields == {"file": str(path), "lines": 2}


def test_standard_output_can_be_reserved():
    """`octo invoke` sets this flag for the whole process."""
    assert not log.stdout_reserved()
    log.reserve_stdout()
    assert log.stdout_reserved()
    log.reserve_stdout(False)


def test_a_line_carries_the_ids_of_the_message_that_is_worked_on():
    """Also a library's line, and without overwriting ids that the line has itself."""
    token = current.message.set(Message(event_id="e1", correlation_id="c1"))
    try:
        own = line("said", event_id="mine")
        library = line("slow query", name="asyncpg")
    finally:
        current.message.reset(token)

    assert after_time(own) == "level=INFO msg=said event_id=mine correlation_id=c1"
    assert after_time(library) == 'level=INFO msg="slow query" logger=asyncpg event_id=e1 correlation_id=c1'


def test_a_message_without_a_correlation_has_just_the_one_id():
    token = current.message.set(Message(event_id="e1"))
    try:
        assert after_time(line("said")) == "level=INFO msg=said event_id=e1"
    finally:
        current.message.reset(token)


def test_a_logger_that_is_only_called_alike_is_a_library():
    assert after_time(line("m", name="octopus.arms")) == "level=INFO msg=m logger=octopus.arms"
    assert after_time(line("m", name="octo")) == "level=INFO msg=m"


@pytest.mark.parametrize("within", [lambda each: [each], lambda each: {"key": each}], ids=["list", "map"])
def test_a_value_that_is_very_deep_costs_no_line(within):
    """And what lies too deep to be looked at is masked all the same."""
    mask("hunter22")
    deep = "hunter22"
    for _ in range(100):
        deep = within(deep)

    assert "hunter22" not in line("m", value=deep)
    assert "«secret»" in line("m", value=deep)


@pytest.mark.parametrize("within", [lambda each: [each], lambda each: {"key": each}], ids=["list", "map"])
def test_a_value_keeps_its_form_for_32_levels(within):
    value: object = 1
    for _ in range(32):
        value = within(value)

    assert orjson.loads(line("m", formatter=Json(), value=value))["value"] == value
    assert orjson.loads(line("m", formatter=Json(), value=within(value)))["value"] != within(value)


def test_a_value_that_contains_itself_costs_no_line():
    items, pairs = [], {}
    items.append(items)
    pairs["key"] = pairs

    assert "msg=m" in line("m", value=items)
    assert "msg=m" in line("m", value=pairs)


def test_without_an_exception_there_is_no_traceback():
    """`exc_info=True` outside an `except` is such a call."""
    assert after_time(line("m", exc_info=(None, None, None))) == "level=INFO msg=m"


def test_the_name_of_a_field_cannot_break_its_line():
    assert after_time(line("m", **{"a\nlevel=ERROR b": 1})) == 'level=INFO msg=m "a\\nlevel=ERROR b"=1'


def test_warnings_of_python_are_lines():
    stream = io.StringIO()
    configure("info", "text", stream)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("old ways", stacklevel=1)

    assert "level=WARN" in stream.getvalue()
    assert "logger=py.warnings" in stream.getvalue()


def test_libraries_are_heard_from_warnings_on_whatever_was_before():
    logging.getLogger().setLevel(logging.DEBUG)
    stream = io.StringIO()
    configure("debug", "text", stream)
    logging.getLogger("library").info("hidden")

    assert stream.getvalue() == ""


def test_an_unknown_format_is_warned_about_and_means_text():
    stream = io.StringIO()
    configure(format="xml", stream=stream)

    assert after_time(stream.getvalue()) == 'level=WARN msg="LOG_FORMAT is not known, using text" value=xml\n'


def test_a_stream_that_is_closed_is_no_terminal(monkeypatch):
    closed, later = io.StringIO(), io.StringIO()
    closed.close()
    monkeypatch.setattr(sys, "stderr", closed)
    configure()
    monkeypatch.setattr(sys, "stderr", later)
    logging.getLogger("octo.test").warning("m")

    assert "\x1b" not in later.getvalue()
    assert "msg=m" in later.getvalue()


def test_lines_follow_standard_error(monkeypatch):
    """A line goes to the `sys.stderr` of the moment at which it is written."""
    configure("info", "text")
    later = io.StringIO()
    monkeypatch.setattr(sys, "stderr", later)
    logging.getLogger("octo").info("m")

    assert "msg=m" in later.getvalue()


def test_two_may_append_to_one_log_file(tmp_path):
    """The processes of one service do this; no line is overwritten."""
    handlers = [File(tmp_path / "app.log") for _ in range(2)]
    for handler in (*handlers, *handlers):
        handler.setFormatter(Text())
        handler.handle(logging.LogRecord("octo", logging.INFO, "", 1, "one", (), None))
    for handler in handlers:
        handler.close()

    assert (tmp_path / "app.log").read_text().count("msg=one\n") == 4


LONG = "k" * 1_000_000


@pytest.mark.parametrize("value", [LONG, LONG.encode(), {LONG: 1}, [LONG], {"a": [{"b": LONG}]}, list(range(100_000))])
@pytest.mark.parametrize("formatter", [Text(), Json()])
def test_a_field_is_cut_whatever_it_is(formatter, value):
    """A key of a body that a client made up must not become a line of a megabyte."""
    text = line("failed", error=value, formatter=formatter)

    assert len(text) < 10_000
    assert "characters> ..." in text


@pytest.mark.parametrize("formatter", [Text(), Json()])
def test_messages_ids_and_tracebacks_are_cut_too(formatter):
    token = current.message.set(Message(event_id="e", correlation_id=LONG))
    try:
        raise ValueError(LONG)
    except ValueError:
        text = line(f"said {LONG}", exc_info=sys.exc_info(), formatter=formatter)
    finally:
        current.message.reset(token)

    assert len(text) < 40_000
    assert "Traceback (most recent call last)" in text


def test_a_list_or_map_that_just_fits_keeps_its_form():
    """A longer one becomes a text that is cut."""
    fits, longer = ["x" * (2 * MOST - len('[""]'))], ["x" * (2 * MOST)]

    assert orjson.loads(line("m", formatter=Json(), value=fits))["value"] == fits
    assert isinstance(orjson.loads(line("m", formatter=Json(), value=longer))["value"], str)


def test_a_line_that_an_author_asked_for_is_whole():
    assert LONG in line("order", body=LONG, name="octo.flow")


def test_a_secret_in_a_long_field_is_masked_before_it_is_cut():
    mask("Zq7Wv9Kp3Xj5Ld1Tf8Gm2B")
    for before in range(2_990, 3_010):
        assert "Zq7" not in line("x", error="." * before + "Zq7Wv9Kp3Xj5Ld1Tf8Gm2B" + "." * 5_000)
