"""The `logger` connector and the `log` block: where lines go, what they carry, and that they never fail a message."""

import json
import logging
import stat

import pytest
from pydantic import ValidationError

from octo.connectors.logger import Entry, Logger, Output
from octo.core import current, log, secrets
from octo.core.block import Site
from octo.core.content import raw
from octo.core.errors import Permanent
from octo.core.flow import Failure
from octo.core.message import Message
from octo.core.spool import Spool
from octo.expr import ExprError

SITE = Site("orders", "say", "orders.check[then].say", None)


@pytest.fixture(autouse=True)
def _process_log(monkeypatch):
    """The process log on `sys.stderr`, as the CLI sets it up; back to before afterwards."""
    monkeypatch.delenv("LOG_LEVEL", raising=False)
    monkeypatch.delenv("LOG_FORMAT", raising=False)
    root, octo = logging.getLogger(), logging.getLogger("octo")
    handlers, levels = list(root.handlers), (root.level, octo.level)
    log.configure()
    yield
    root.handlers = handlers
    root.setLevel(levels[0])
    octo.setLevel(levels[1])
    logging.captureWarnings(False)
    log.reserve_stdout(False)
    log.check_lines(False)


async def say(incoming=None, output=None, /, **entry):
    """Run one `log` block."""
    incoming = incoming or Message({"n": 1}, event_id="e1")
    async with Logger.open(Output.model_validate(output or {})) as logger:
        assert logger.log(Entry.model_validate(entry), incoming, site=SITE) is incoming


def only(text):
    """The one line, without its time."""
    (line,) = text.splitlines()
    return line.split(" ", 1)[1]


async def test_without_logger_lines_go_to_the_process_log(capsys):
    """A default instance writes where the runtime itself writes: standard error."""
    await say(message='"total: " + string(body.n)')
    out, err = capsys.readouterr()
    assert out == ""
    assert only(err) == 'level=INFO msg="total: 1" flow=orders event_id=e1'


async def test_without_message_the_line_shows_body_and_variables(capsys):
    """The quickest way to see what passes by."""
    await say(Message({"n": 1}, {"who": "ada"}, event_id="e1"), {"output": "stdout", "format": "json"})
    assert json.loads(json.loads(capsys.readouterr().out)["msg"]) == {"body": {"n": 1}, "vars": {"who": "ada"}}


@pytest.mark.parametrize(
    ("expression", "text"),
    [('"plain"', "plain"), ("body", '{"n":1}'), ("body.n + 1", "2"), ("null", "null"), ("[1, true]", "[1,true]")],
)
async def test_what_is_not_a_text_is_compact_json(capsys, expression, text):
    await say(None, {"output": "stdout", "format": "json"}, message=expression)
    assert json.loads(capsys.readouterr().out)["msg"] == text


@pytest.mark.parametrize("entry", [{}, {"message": "body"}, {"message": '"m"', "full": True}])
async def test_of_large_content_only_the_size_is_written(capsys, entry):
    """A line of 27 MB helps nobody, and eight at once cost a gigabyte."""
    spool = Spool(threshold=10)
    spool.write(b"\x89PNG" * 5)
    large = raw(spool.finish(), "image/png")

    await say(Message(large, {"kept": large}), {"output": "stdout", "format": "json"}, **entry)

    out = capsys.readouterr().out
    assert "<20 bytes>" in out
    assert "image/png" in out
    assert "iVBO" not in out


async def test_full_carries_the_whole_message(capsys):
    """`full` adds correlation id, variables and body as fields of their own."""
    message = Message({"n": 1}, {"who": "ada"}, event_id="e1", correlation_id="c1")
    await say(message, {"output": "stdout", "format": "json"}, message='"m"', full=True, level="warn")
    line = json.loads(capsys.readouterr().out)
    del line["time"]
    assert line == {
        "level": "WARN",
        "msg": "m",
        "event_id": "e1",
        "correlation_id": "c1",
        "variables": {"who": "ada"},
        "body": {"n": 1},
    }


@pytest.mark.parametrize("output", [{"output": "FILE"}, {"output": "stdout"}, {"format": "text"}])
async def test_a_logger_of_its_own_writes_the_event_id_alone(tmp_path, capsys, output):
    """Programs read such lines by their fields: not even the ids of the message under way are added."""
    file = tmp_path / "audit.log"
    output = {key: str(file) if value == "FILE" else value for key, value in output.items()}
    message = Message({"n": 1}, event_id="e1", correlation_id="c1")
    token = current.message.set(message)
    try:
        await say(message, output, message='"m"')
    finally:
        current.message.reset(token)

    written = "".join(capsys.readouterr()) or file.read_text()
    assert only(written) == "level=INFO msg=m event_id=e1"


async def test_full_without_a_message_says_message(capsys):
    """What could be said is in the fields."""
    await say(None, {"output": "stdout"}, full=True)
    assert " msg=message event_id=e1 " in capsys.readouterr().out


async def test_add_source_names_the_block(capsys):
    await say(None, {"addSource": True}, message='"m"')
    assert only(capsys.readouterr().err).endswith("block=orders.check[then].say")


async def test_a_percent_sign_is_just_a_percent_sign(capsys):
    """A message is data, never a format."""
    await say(message='"100%s %d"')
    assert 'msg="100%s %d"' in capsys.readouterr().err


@pytest.mark.parametrize(
    ("written", "own", "shown"),
    [
        ("debug", None, False),
        ("info", None, True),
        ("info", "warn", False),
        ("warning", "warn", True),
        ("debug", "debug", True),
    ],
)
async def test_the_level_decides_what_is_written(capsys, written, own, shown):
    """Lines below the logger's level are not written; the default is info."""
    await say(None, {"output": "stderr", **({"level": own} if own else {})}, message='"m"', level=written)
    assert bool(capsys.readouterr().err) is shown


async def test_a_line_that_is_not_written_is_not_evaluated(capsys):
    """A debug line costs nothing while debug is off."""
    await say(message="body.missing", level="debug")
    assert capsys.readouterr().err == ""


async def test_an_expression_that_fails_is_an_error_of_the_flow():
    """A mistake in an author's expression is not hidden."""
    with pytest.raises(ExprError, match="missing"):
        await say(message="body.missing")


async def test_a_level_of_its_own_does_not_change_the_process(capsys):
    """A logger that shows debug leaves the rest of the process at info."""
    await say(None, {"level": "debug"}, message='"m"', level="debug")
    logging.getLogger("octo.flow").debug("hidden")
    assert only(capsys.readouterr().err).startswith("level=DEBUG msg=m")


async def test_standard_output_that_is_reserved_is_left_alone(capsys):
    """Under `octo invoke` a logger to `stdout` writes to standard error: the result stands alone."""
    log.reserve_stdout()
    await say(None, {"output": "stdout"}, message='"m"')
    out, err = capsys.readouterr()
    assert out == ""
    assert "msg=m" in err


async def test_a_file_is_private_and_appended_to(tmp_path):
    """The file is created with mode 0600, and a second run adds to it."""
    path = tmp_path / "flow.log"
    for text in ("one", "two"):
        await say(None, {"output": str(path), "format": "json"}, message=f'"{text}"')
    assert [json.loads(line)["msg"] for line in path.read_text().splitlines()] == ["one", "two"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_a_file_that_cannot_be_opened_is_a_clear_start_error(tmp_path):
    with pytest.raises(Permanent, match=r"cannot open the log file .*No such file or directory"):
        await say(None, {"output": str(tmp_path / "missing" / "flow.log")})


async def test_a_full_disk_fails_no_message(capsys):
    """The lines are lost and counted, the process log reports it once, and the flow goes on."""
    before = log.lost()
    async with Logger.open(Output.model_validate({"output": "/dev/full"})) as logger:
        for _ in range(3):
            logger.log(Entry(), Message(1), site=SITE)
    assert log.lost() - before == 3
    assert only(capsys.readouterr().err).startswith('level=WARN msg="cannot write a log file; its lines are lost"')


async def test_secrets_are_masked_in_flow_lines(capsys, monkeypatch):
    """A secret in a message does not get into a log."""
    monkeypatch.setattr(secrets, "_secrets", {})
    secrets.mask("tops3cret")
    await say(Message({"token": "tops3cret"}), {"output": "stdout", "format": "json"}, message="body", full=True)
    out = capsys.readouterr().out
    assert "tops3cret" not in out
    assert out.count("«secret»") == 2


@pytest.mark.parametrize("level", ["INFO", " info ", "Info", "", " "])
def test_a_level_is_a_word_whatever_its_capitals_and_blanks(level):
    assert Entry.model_validate({"level": level}).level == "info"
    assert Output.model_validate({"level": level}).level in ("info", None)


@pytest.mark.parametrize(("form", "taken"), [("", None), ("JSON", "json"), (" text ", "text")])
def test_so_is_the_format(form, taken):
    assert Output.model_validate({"format": form}).format == taken


@pytest.mark.parametrize("settings", [{"level": "loud"}, {"format": "xml"}, {"file": "x"}])
def test_a_bad_setting_is_refused(settings):
    with pytest.raises(ValidationError):
        Output.model_validate(settings)


# --- in tests of flows -------------------------------------------------------------------------------------------

AUDITED = """
connectors:
  - name: audit
    type: logger
    settings: {output: FILE, format: json, level: warn}
flows:
  - name: orders
    process:
      - {type: log, settings: {logger: audit, level: warn, message: '"order " + body.id', full: true}}
      - {type: log, settings: {logger: audit, level: info, message: '"quiet"'}}
"""


async def test_a_stub_keeps_lines_and_writes_none(stubbed, tmp_path, capsys):
    """The lines are those that would have been written; the file is not even created."""
    path = tmp_path / "audit.log"
    async with stubbed(AUDITED.replace("FILE", str(path)), audit={}) as app:
        await app.call("orders", {"id": "7"}, {"who": "ada"})
        (line,) = app.generation.instances["audit"].lines

    assert (line["level"], line["msg"], line["body"]) == ("WARN", "order 7", {"id": "7"})
    assert "flow" not in line
    assert not path.exists()
    assert "order 7" not in "".join(capsys.readouterr())


async def test_below_the_level_a_stub_finds_what_fails_too(stubbed):
    async with stubbed(AUDITED.replace("'\"quiet\"'", "body.nope"), audit={}) as app:
        with pytest.raises(Failure, match="nope"):
            await app.call("orders", {"id": "7"})


async def test_a_test_run_finds_what_fails_below_the_level():
    log.check_lines()
    try:
        with pytest.raises(ExprError, match="missing"):
            await say(message="body.missing", level="debug")
    finally:
        log.check_lines(False)


async def test_a_line_that_fails_fails_under_a_stub_too(stubbed):
    async with stubbed(AUDITED, audit={}) as app:
        with pytest.raises(Failure, match="id"):
            await app.call("orders", {})
