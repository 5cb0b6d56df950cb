"""The `python` block: functions are checked when the flow is built, typed, isolated, and never block the loop."""

import asyncio
import logging
import sys
import textwrap
import traceback
from datetime import timedelta
from types import MappingProxyType

import pytest
from pydantic import ValidationError

from octo.blocks.python import Python, python
from octo.connectors.database import values
from octo.core import codec, current
from octo.core.block import Site
from octo.core.errors import Bug, Permanent, Transient
from octo.core.message import Message
from octo.expr.values import Duration, Timestamp

SHOP = """
import asyncio, dataclasses, datetime, enum, sys, threading, time, uuid
from decimal import Decimal
from typing import Any
from pydantic import BaseModel
from octo.core.errors import Transient
from octo.core import current
from octo.core.block import Site
from octo.core.message import Message

@dataclasses.dataclass
class Order:
    id: int
    price: Decimal
    tags: list[str] = dataclasses.field(default_factory=list)

class Receipt(BaseModel):
    order: int
    day: datetime.date
    total: float

def plain(body): return {"got": body}
def nothing(): return "nothing needed"
def spoils(body):
    body["list"].append(1)
    body["new"] = True
    return body
def typed(order: Order) -> Receipt:
    return Receipt(order=order.id, day=datetime.date(2026, 1, 2), total=float(order.price * 2))
async def waits(body: int) -> int:
    await asyncio.sleep(0)
    return body + 1
def context(body, vars, message: Message): return [body, vars, message.correlation_id]
def whole(message): return message.with_var("seen", True)
def add(left: int, right: int = 10, *, times: int = 1): return (left + right) * times
def options(**options): return options
def day(when: datetime.date): return when + datetime.timedelta(days=1)
def thread(body): return threading.current_thread() is threading.main_thread()
def meets(body): return meeting.wait(60) in (0, 1)
meeting = threading.Barrier(2)
def fails(body): raise KeyError("no such article")
def retry(body): raise Transient("later")
def leaves(body): sys.exit(3)
async def leaves_later(body): sys.exit(3)
def leaves_awaited(body): return leaves_later(body)
def odd(body): return object()
def many(body): return {"set": {1}, "id": uuid.UUID(int=0), "d": Decimal("1.10")}
def times(body): return {"at": datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC), "took": datetime.timedelta(**body)}
def naive(body): return [datetime.datetime(2026, 1, 2)]
def chatty(body):
    print("working on", body)
    return body
async def chatty_later(body):
    print("waiting for", body)
    return body
def not_finite(body): return {"n": [float(body)]}
def deep(body): return deep_list(100_000)
def deep_list(times):
    found = []
    for _ in range(times):
        found = [found]
    return found
def checks(body): return Receipt.model_validate({"order": body, "day": body, "total": body})
def numbers(body: list[int]): return len(body)
def spoils_vars(vars):
    vars["who"] = "nobody"
    vars["list"].append(1)
    return vars
class Wrapped:
    def __init__(self, function): self.__wrapped__ = function
    def __call__(self, *args, **options): return self.__wrapped__(*args, **options)
wrapped = Wrapped(day)
def _hidden(body): return body
@dataclasses.dataclass
class Stored:
    name: str
    data: bytes
def buffers(body: bytes): return [bytearray(body), memoryview(body)]
def stored(body: bytes): return {**dataclasses.asdict(Stored("a", body)), 1: [b""]}
def kept(body): return [Stored("a", body)]
def current_event(): return current.message.get().event_id
class Counter:
    def __call__(self, body): return 42
counter = Counter()
constant = 5
def by_position(body, /): return body
def unresolvable(body: "Nowhere"): return body
"""

ENDING = """
import asyncio, threading
class Textless(Exception):
    def __str__(self): raise KeyboardInterrupt
def _error(name):
    return asyncio.CancelledError() if name == "CancelledError" else eval(name)()
def plainly(body): raise _error(body)
async def later(body):
    await asyncio.sleep(0)
    raise _error(body)
def in_generator(body):
    yield 1
    raise _error(body)
def yields():
    yield threading.current_thread() is threading.main_thread()
    yield False
def textless(): raise Textless
async def waits(): await asyncio.Event().wait()
def annotated(body: "1/0"): return body
"""
ENDINGS = ["SystemExit", "KeyboardInterrupt", "GeneratorExit", "CancelledError", "StopIteration", "StopAsyncIteration",
           "BaseException"]  # fmt: skip


@pytest.fixture(autouse=True)
def _shop(tmp_path, monkeypatch):
    """A module beside the configuration, as an author writes one."""
    (tmp_path / "shop.py").write_text(SHOP)
    (tmp_path / "broken.py").write_text("import no_such_package\n")
    (tmp_path / "raising.py").write_text("raise RuntimeError('at import')\n")
    (tmp_path / "leaving.py").write_text("raise SystemExit(3)\n")
    (tmp_path / "ending.py").write_text(ENDING)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    for name in ("shop", "broken", "raising", "leaving", "ending"):
        sys.modules.pop(name, None)


SITE = Site("f", "python", "f.python", None)


async def call(function, body=None, variables=None, /, **settings):
    """The message after the block."""
    message = Message(body, variables or {}, correlation_id="c1")
    return await python(Python.model_validate({"call": f"shop:{function}", **settings}), message, SITE)


@pytest.mark.parametrize(
    ("function", "body", "result"),
    [
        ("plain", {"n": 1}, {"got": {"n": 1}}),
        ("nothing", {"n": 1}, "nothing needed"),
        ("typed", {"id": 7, "price": "9.99"}, {"order": 7, "day": "2026-01-02", "total": 19.98}),
        ("waits", 41, 42),
        ("context", 1, [1, {"who": "ada"}, "c1"]),
        ("counter", None, 42),
        ("day", "2026-02-28", "2026-03-01"),
        ("wrapped", "2026-02-28", "2026-03-01"),
        ("day", Timestamp(0), "1970-01-02"),
        ("plain", [b"\xff", Timestamp(0), Duration(10**9)], {"got": [b"\xff", "1970-01-01T00:00:00Z", "1s"]}),
        ("buffers", b"\xffa", [b"\xffa", b"\xffa"]),
        ("stored", b"\xff", {"name": "a", "data": b"\xff", "1": [b""]}),
        (
            "many",
            None,
            {"set": [1], "id": "00000000-0000-0000-0000-000000000000", "d": "1.10"},
        ),
    ],
)
async def test_the_body_goes_in_and_the_result_becomes_the_body(function, body, result):
    """Plain, typed, async and callable objects; dataclasses, models and dates come out as JSON."""
    assert (await call(function, body, {"who": "ada"})).body == result


@pytest.mark.parametrize(
    ("span", "text"),
    [
        ({"minutes": 90}, "5400s"),
        ({"days": -1, "microseconds": 1}, "-86399.999999s"),
        ({"milliseconds": 1500}, "1.5s"),
        ({}, "0s"),
    ],
)
async def test_times_are_written_as_those_of_a_database(span, text):
    assert (await call("times", span)).body == {"at": "2026-01-02T00:00:00Z", "took": text}
    assert values.to_value(timedelta(**span)) == text


@pytest.mark.parametrize(("function", "line"), [("chatty", "working on 7"), ("chatty_later", "waiting for 7")])
async def test_what_a_function_prints_goes_to_the_log(function, line, capsys, caplog):
    caplog.set_level(logging.INFO, "octo.python")
    assert (await call(function, 7)).body == 7
    assert [each.fields for each in caplog.records] == [{"function": f"shop:{function}", "text": line}]
    assert capsys.readouterr().out == ""


async def test_bytes_stay_bytes_in_dataclasses_too():
    assert (await call("kept", b"\xff")).body == [{"name": "a", "data": b"\xff"}]


async def test_a_number_that_no_double_holds_passes():
    (number,) = (await call("plain", [codec.read("1e400")])).body["got"]
    assert codec.write(number) == b"1e400"


async def test_with_gives_arguments_by_name():
    """Expressions fill parameters; defaults fill the rest."""
    assert (await call("add", {"n": 2}, **{"with": {"left": "body.n", "times": "3"}})).body == 36
    assert (await call("options", {"n": 2}, **{"with": {"anything": "body.n"}})).body == {"anything": 2}


async def test_as_puts_the_result_into_a_variable():
    """The body stays as it was."""
    message = await call("plain", 1, {"who": "ada"}, **{"as": "answer"})
    assert (message.body, message.vars) == (1, {"who": "ada", "answer": {"got": 1}})


async def test_a_function_may_answer_a_message():
    """A function that takes the whole message may change variables too."""
    message = await call("whole", {"n": 1})
    assert (message.body, message.vars) == ({"n": 1}, {"seen": True})


async def test_a_function_cannot_spoil_the_message_it_was_given():
    """The function works on a copy: the error path and other branches see the body as it was."""
    body = {"list": []}
    assert (await call("spoils", body)).body == {"list": [1], "new": True}
    assert body == {"list": []}


@pytest.mark.parametrize(
    ("function", "body", "complaint"),
    [
        ("typed", {"id": "x", "price": 1}, r"shop:typed: argument `order`: id: Input should be a valid integer"),
        ("typed", {"id": 1}, r"argument `order`: price: Field required"),
        ("waits", "many", r"argument `body`: Input should be a valid integer"),
        ("odd", None, r"shop:odd returned object, which is not JSON"),
        ("not_finite", "inf", r"shop:not_finite returned dict, which is not JSON: inf has no JSON form"),
        ("not_finite", "nan", r"shop:not_finite returned dict, which is not JSON: nan has no JSON form"),
        ("naive", None, r"shop:naive returned list, .*: a datetime needs a time zone, e.g. `datetime.now\(UTC\)`"),
        ("times", {"days": 999_999}, r"shop:times returned dict, .*: duration out of range"),
        ("deep", None, r"shop:deep returned list, which is not JSON"),
        ("numbers", ["x"] * 5, r"argument `body`: (\d: Input should be [^;]*(; )?){5}$"),
        ("numbers", ["x"] * 7, r"argument `body`: (\d: Input should be [^;]*; ){5}and 2 more$"),
    ],
)
async def test_a_value_that_does_not_fit_is_permanent(function, body, complaint):
    """The error names the argument and the reason, never the value."""
    with pytest.raises(Permanent, match=complaint):
        await call(function, body)


async def test_an_exception_becomes_a_bug_with_its_type_and_text():
    """The exception was not expected: the error has its type and text, and it as the cause, for the log."""
    with pytest.raises(Bug, match=r"shop:fails raised KeyError: 'no such article' \(.*shop.py:\d+\)$") as caught:
        await call("fails")
    assert isinstance(caught.value.__cause__, KeyError)


async def test_an_exception_that_quotes_values_is_told_without_them():
    """Exceptions of pydantic quote values, in their text and in the traceback."""
    value = "hunter22"
    with pytest.raises(Bug, match="shop:checks raised ValidationError: Receipt: order: Input should be") as caught:
        await call("checks", value)

    assert value not in "".join(traceback.format_exception(caught.value))


async def test_a_function_cannot_spoil_the_variables():
    given = MappingProxyType({"who": "ada", "list": []})  # any mapping is accepted

    assert (await call("spoils_vars", None, given)).body == {"who": "nobody", "list": [1]}
    assert given == {"who": "ada", "list": []}


async def test_a_message_is_no_value_of_a_variable():
    with pytest.raises(Permanent, match="shop:whole returned Message, which is not JSON"):
        await call("whole", **{"as": "v"})


@pytest.mark.parametrize("function", ["leaves", "leaves_later", "leaves_awaited"])
async def test_a_function_that_exits_has_failed(function):
    """It takes neither its flow nor the process with it."""
    with pytest.raises(Bug, match=rf"shop:{function} raised SystemExit: 3"):
        await call(function)


@pytest.mark.parametrize("error", ENDINGS)
@pytest.mark.parametrize("how", ["plainly", "later", "in_generator"])
async def test_no_exception_of_a_function_ends_more_than_its_message(how, error):
    """Neither the process, nor the thread, nor the task; and none of them leaves the message waiting."""
    with pytest.raises(Bug, match=rf"ending:{how} raised (RuntimeError: \w+ raised )?{error}(: .+)?( \(.*\))?$"):
        await python(Python.model_validate({"call": f"ending:{how}"}), Message(error), SITE)

    assert (await call("plain", 1)).body == {"got": 1}


@pytest.mark.parametrize("error", ENDINGS)
def test_no_exception_of_an_import_ends_the_process(tmp_path, error):
    (tmp_path / "ends.py").write_text(f"import asyncio\nraise {error.replace('Cancelled', 'asyncio.Cancelled')}\n")

    with pytest.raises(ValidationError, match=f"importing `ends` fails: {error}"):
        Python.model_validate({"call": "ends:f"})


def test_annotations_that_raise_are_a_mistake_with_a_name():
    with pytest.raises(ValidationError, match="`ending:annotated` cannot be used: ZeroDivisionError"):
        Python.model_validate({"call": "ending:annotated"})


async def test_an_exception_whose_text_cannot_be_read_is_told():
    with pytest.raises(Bug, match="ending:textless raised Textless, whose text raises KeyboardInterrupt"):
        await python(Python.model_validate({"call": "ending:textless"}), Message(None), SITE)


async def test_a_message_that_is_cancelled_or_closed_has_not_failed():
    settings = Python.model_validate({"call": "ending:waits"})
    async with asyncio.timeout(20):
        task = asyncio.get_running_loop().create_task(python(settings, Message(None), SITE))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    coroutine = python(settings, Message(None), SITE)
    coroutine.send(None)
    coroutine.close()  # raises nothing


async def test_what_a_generator_yields_is_a_list():
    """It runs in the thread, as a plain function does."""
    result = (await python(Python.model_validate({"call": "ending:yields"}), Message(None), SITE)).body

    assert result == [False, False]


async def test_errors_of_octo_pass_through():
    """A function may say that trying again helps."""
    with pytest.raises(Transient, match="later"):
        await call("retry")


async def test_a_plain_function_sees_the_context_of_its_message():
    """Log lines written in the thread have the ids of the message."""
    message = Message(None, {}, event_id="e1")
    token = current.message.set(message)
    try:
        assert (await call("current_event")).body == "e1"
    finally:
        current.message.reset(token)


async def test_plain_functions_do_not_block_the_loop():
    """Two functions that wait for one another meet, because they run in threads."""
    assert (await call("thread")).body is False
    outcomes = await asyncio.gather(*(call("meets") for _ in range(2)))
    assert [each.body for each in outcomes] == [True, True]


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"call": "shop"}, r"expected `package.module:function`, e.g. `shop.orders:price`"),
        ({"call": "shop:plane"}, r"`shop` has no `plane`; did you mean `plain`\?"),
        ({"call": "shop:hidden"}, r"`shop` has no `hidden`(?!; did)"),
        ({"call": "chop:plain"}, r"there is no module `chop`"),
        ({"call": "chop.inner:plain"}, r"there is no module `chop`"),
        ({"call": "builtins:dict"}, r"Python cannot tell the parameters of `builtins:dict`"),
        ({"call": "broken:f"}, r"importing `broken` fails: No module named 'no_such_package'"),
        ({"call": "raising:f"}, r"importing `raising` fails: RuntimeError: at import"),
        ({"call": "leaving:f"}, r"importing `leaving` fails: SystemExit: 3"),
        ({"call": "shop:constant"}, r"`shop:constant` is int, not a function"),
        ({"call": "shop:by_position"}, r"takes `body` by position only"),
        ({"call": "shop:unresolvable"}, r"annotations of `shop:unresolvable` cannot be used: name 'Nowhere'"),
        ({"call": "shop:add", "with": {"lefd": "1"}}, r"shop:add has no parameter `lefd`; did you mean `left`\?"),
        ({"call": "shop:add", "with": {"right": "1"}}, r"shop:add needs `left` under `with:`"),
        ({"call": "shop:options", "as": ""}, r"at least 1 character"),
        ({"call": 5}, r"expected `package.module:function`"),
    ],
)
def test_mistakes_are_found_when_the_flow_is_built(settings, complaint):
    """A missing function or argument is reported then, not at the first message."""
    with pytest.raises(ValidationError, match=complaint):
        Python.model_validate(settings)


def test_a_second_parameter_needs_with(tmp_path):
    """The body alone cannot fill two parameters."""
    (tmp_path / "pair.py").write_text(textwrap.dedent("def both(left, right): ..."))
    with pytest.raises(ValidationError, match="pair:both also needs `right`: give its arguments under `with:`"):
        Python.model_validate({"call": "pair:both"})
    sys.modules.pop("pair")
