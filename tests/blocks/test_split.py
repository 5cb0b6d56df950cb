"""split: each element is a message of its own through the rest of the flow."""

from __future__ import annotations

import asyncio

import pytest

from octo.config.load import parse
from octo.core.content import raw
from octo.core.delivery import Delivery, Done, Reject, Retry
from octo.core.errors import ConfigError, Timeout
from octo.core.flow import Drop, Failure
from octo.core.message import Message
from octo.core.spool import Spool
from octo.engine.flow import FlowInlet
from octo.testing import running
from octo.testing.clock import virtual
from octo.testing.probe import probes
from octo.trace.encode import encode
from octo.trace.packed import records
from octo.trace.recorder import Recorder

SPLIT = """
connectors: [{name: p, type: probe}]
flows:
  - name: f
    workers: WORKERS
    SOURCE
    process:
      - {type: set-variable, settings: {name: own, value: '"mine"'}}
      - {type: split, SETTINGS}
      - {type: note, connector: p, value: NOTED}
      - WORK
    ERROR
"""
NOTED = """'{"body": body, "own": vars.own, "id": vars.groupId, "at": vars.groupIndex, "size": vars.groupSize}'"""
PULL = "source: {connector: p, type: pull, settings: {}}"


def flow(settings="items: body", work="{type: log}", workers=4, source="", error=""):
    text = SPLIT.replace("SETTINGS", settings).replace("WORKERS", str(workers)).replace("SOURCE", source)
    return text.replace("WORK", work).replace("NOTED", NOTED).replace("ERROR", error)


def bodies(app):
    return [each["body"] for each in app.connector("p").notes]


# --- elements ----------------------------------------------------------------------------------------------------


@virtual()
@pytest.mark.parametrize("workers", [1, 4])
async def test_each_element_is_a_message_of_its_own(plugins, workers):
    """With the variables, the numbers of the group, an event of the flow, and an id of the family."""
    async with running(flow(workers=workers), plugins) as app:
        outcome = await app.call("f", ["a", "b", "c"], {"v": 1})
        await asyncio.sleep(1)
        notes = app.connector("p").notes
        ids = {event.event_id for event in app.events}

    assert outcome.body == ["a", "b", "c"]
    assert outcome.vars == {"v": 1, "own": "mine", "groupId": outcome.event_id, "groupSize": 3}
    expected = [
        {"body": body, "own": "mine", "id": outcome.event_id, "at": at, "size": 3} for at, body in enumerate("abc")
    ]
    assert sorted(notes, key=lambda each: each["at"]) == expected
    assert len(ids) == 4
    assert all(outcome.is_kin(each) for each in ids)
    assert sorted(app.kinds("f")) == ["completed"] * 4 + ["started"] * 4


@virtual()
async def test_an_element_has_the_same_id_whenever_its_message_comes(plugins):
    """So what is done once for each event is done once for each element."""
    message, ids = Message(["a", "b"], event_id="0123456789abcdef0123456789abcdef"), []
    async with running(flow(work="{type: note, connector: p, value: eventID}"), plugins) as app:
        for _ in range(2):
            await FlowInlet(app.generation.flows["f"]).call(message)
            await asyncio.sleep(1)
            ids.append({each for each in app.connector("p").notes if isinstance(each, str)})

    assert ids[0] == ids[1]
    assert len(ids[0]) == 2
    assert all(message.is_kin(each) and each != message.event_id for each in ids[0])


@virtual()
async def test_one_worker_keeps_the_order(plugins):
    async with running(flow(work="{type: delay, for: 10ms}", workers=1), plugins) as app:
        await app.call("f", list(range(20)))
        assert bodies(app) == list(range(20))


@virtual()
async def test_no_elements_no_messages(plugins):
    async with running(flow(), plugins) as app:
        assert (await app.call("f", [])).vars["groupSize"] == 0
        assert app.kinds("f") == ["started", "completed"]


@virtual()
@pytest.mark.parametrize(
    ("settings", "body", "expected"),
    [
        ("mode: lines", "a\r\nb\n\nc", ["a", "b", "", "c"]),
        ("mode: lines", b"a\nb\n", ["a", "b"]),
        ("mode: lines", "", []),
        ("mode: delimiter, delimiter: '--'", "a--b----c--", ["a", "b", "", "c"]),
        ("mode: chunk, chunkSize: 2", "a😀bcd", ["a😀", "bc", "d"]),
    ],
)
async def test_pieces_of_a_text(plugins, settings, body, expected):
    """The size of the group is known with the last one."""
    async with running(flow(settings, workers=1), plugins) as app:
        outcome = await app.call("f", body)
        notes = app.connector("p").notes

    assert [each["body"] for each in notes] == expected
    assert [each["size"] for each in notes] == [-1] * (len(expected) - 1) + [len(expected)] * bool(expected)
    assert outcome.vars["groupSize"] == len(expected)


@virtual()
async def test_raw_content_of_any_size_is_read_piece_by_piece(plugins):
    """At most as many elements as workers are under way, and the answer has the content as it came."""
    spool = Spool(threshold=100)
    spool.write(b"".join(b"%d\n" % number for number in range(500)))
    body = raw(spool.finish(), "text/plain")
    async with running(flow("mode: lines", "{type: delay, for: 1s}", workers=3), plugins) as app:
        under_way = most = 0

        def count(event):
            nonlocal under_way, most
            under_way += 1 if event.kind == "started" else -1
            most = max(most, under_way)

        app.generation._bus.subscribe(count)
        message = Message(body, raw=True)
        outcome = await app.generation.flows["f"].call(message)
        await asyncio.sleep(10)

    assert outcome.message.body is body
    assert outcome.message.raw
    assert most == 4, "three workers: the message that came and two elements, or its own under its worker"
    assert len(bodies(app)) == 500


@virtual()
async def test_other_messages_get_a_turn(plugins):
    """A long split does not keep the flow to itself: who stands in line comes next."""
    text = flow(work="{type: delay, for: 1s}", workers=2)
    async with running(text, plugins) as app, asyncio.TaskGroup() as tasks:
        long = tasks.create_task(app.call("f", list(range(100))))
        await asyncio.sleep(3)
        await app.call("f", ["x"])
        assert not long.done()
        await long


# --- the answer --------------------------------------------------------------------------------------------------


@virtual()
async def test_build_response_answers_the_caller(plugins):
    respond = "items: body, buildResponse: [{type: set-payload, value: '{\"took\": vars.groupSize}'}]"
    async with running(flow(respond), plugins) as app:
        outcome = await app.call("f", [1, 2])
        assert (outcome.body, outcome.vars["own"]) == ({"took": 2}, "mine")


@virtual()
async def test_build_response_may_drop_or_fail(plugins):
    async with running(flow("items: body, buildResponse: [{type: filter, expr: 'false'}]"), plugins) as app:
        assert isinstance(await app.call("f", [1]), Drop)
    async with running(flow("items: body, buildResponse: [{type: set-payload, value: body.no}]"), plugins) as app:
        with pytest.raises(Failure, match='block "split": block "set-payload"'):
            await app.call("f", [1])


@virtual()
async def test_the_caller_need_not_wait_for_elements(plugins):
    async with running(flow(work="{type: wait, connector: p}"), plugins, drain=0.0) as app:
        assert (await app.call("f", [1, 2], timeout=5)).vars["groupSize"] == 2


@virtual()
async def test_a_flow_that_calls_it_gets_its_answer(plugins):
    text = flow("items: body, buildResponse: [{type: set-payload, value: vars.groupSize}]")
    text += "  - {name: g, process: [{type: flow-ref, flow: f}, {type: note, connector: p, value: '\"no\"'}]}\n"
    async with running(text, plugins) as app:
        assert (await app.call("g", [1, 2])).body == 2


# --- failures ----------------------------------------------------------------------------------------------------

FAIL_AT_2 = "{type: if, condition: body == 2, then: [{type: fail, connector: p, how: HOW}]}"


@virtual()
@pytest.mark.parametrize("workers", [1, 4])
async def test_a_failed_element_stops_no_other(plugins, workers):
    async with running(flow(work=FAIL_AT_2.replace("HOW", "permanent"), workers=workers), plugins) as app:
        outcome = await app.call("f", [1, 2, 3])
        await asyncio.sleep(1)
        assert sorted(app.kinds("f")) == ["completed"] * 3 + ["failed"] + ["started"] * 4

    assert outcome.vars["groupSize"] == 3


@virtual()
async def test_an_element_has_the_error_chain_of_the_flow(plugins):
    error = "error: [{type: note, connector: p, value: '{\"body\": vars.error.path}'}]"
    async with running(flow(work=FAIL_AT_2.replace("HOW", "permanent"), error=error), plugins) as app:
        await app.call("f", [2])
        await asyncio.sleep(1)
        assert bodies(app) == [2, "f.if[then].fail"]
        assert app.kinds("f").count("failed") == 0


@virtual()
async def test_with_abort_no_further_element_begins_and_the_block_fails(plugins):
    work = FAIL_AT_2.replace("HOW", "permanent")
    async with running(flow("items: body, onError: abort", work, workers=1), plugins) as app:
        with pytest.raises(Failure, match='block "split": element: block "if": block "fail"') as caught:
            await app.call("f", [1, 2, 3, 4], {"v": 1})
        assert bodies(app) == [1, 2]

    assert caught.value.message.body == [1, 2, 3, 4]


@virtual()
async def test_what_is_no_list_fails_the_block(plugins):
    async with running(flow(), plugins) as app:
        with pytest.raises(Failure, match="split items"):
            await app.call("f", {"a": 1})


# --- acknowledgement ---------------------------------------------------------------------------------------------


class Source:
    def __init__(self):
        self.verdicts = []

    async def settle(self, verdict):
        self.verdicts.append(verdict)

    def bring(self, body):
        probes["probe"].queue.put_nowait(Delivery(Message(body), self.settle))


@virtual()
async def test_a_delivery_is_settled_after_its_last_element(plugins):
    source = Source()
    async with running(flow(work="{type: delay, for: 10s}", source=PULL), plugins) as app:
        source.bring([1, 2])
        await asyncio.sleep(9)
        assert app.kinds("f").count("completed") == 1
        assert source.verdicts == []
        await asyncio.sleep(2)
        (verdict,) = source.verdicts

    assert isinstance(verdict, Done)
    assert verdict.message.vars["groupSize"] == 2


@virtual()
async def test_elements_of_elements_count_too(plugins):
    again = "{type: split, items: body}\n      - {type: delay, for: 10s}"
    source = Source()
    async with running(flow(work=again, source=PULL), plugins) as app:
        source.bring([[1, 2], [3]])
        await asyncio.sleep(9)
        assert source.verdicts == []
        await asyncio.sleep(20)
        assert [type(each) for each in source.verdicts] == [Done]
        assert len(app.kinds("f")) == 2 * (1 + 2 + 3)


@virtual()
@pytest.mark.parametrize(
    ("on_error", "how", "verdict"),
    [("skip", "transient", Done), ("abort", "transient", Retry), ("abort", "permanent", Reject)],
)
async def test_a_failed_element_and_the_verdict(plugins, on_error, how, verdict):
    source = Source()
    work = "{type: delay, for: 1s}\n      - " + FAIL_AT_2.replace("HOW", how)
    async with running(flow(f"items: body, onError: {on_error}", work, source=PULL), plugins):
        source.bring([1, 2])
        await asyncio.sleep(5)

    assert [type(each) for each in source.verdicts] == [verdict]


@virtual()
async def test_a_block_that_fails_waits_for_the_elements_that_began(plugins):
    source = Source()
    async with running(flow("mode: lines", "{type: delay, for: 5s}", source=PULL), plugins):
        source.bring(b"a\nb\n" + b"c" * 70_000 + b"\xff")
        await asyncio.sleep(4)
        assert source.verdicts == []
        await asyncio.sleep(4)
        assert [type(each) for each in source.verdicts] == [Reject]


@virtual()
@pytest.mark.parametrize("workers", [1, 4])
async def test_a_stop_waits_for_elements_and_then_gives_the_message_back(plugins, workers):
    source = Source()
    text = flow(work="{type: delay, for: 3s}", source=PULL, workers=workers)
    async with running(text, plugins, drain=20) as app:
        source.bring([1, 2, 3])
        await asyncio.sleep(1)
    assert [type(each) for each in source.verdicts] == [Done]
    assert len(bodies(app)) == 3

    async with running(text, plugins, drain=1):
        source.bring([1, 2, 3])
        await asyncio.sleep(1)
    assert isinstance(source.verdicts[1], Retry)
    assert source.verdicts[1].after == 0.0


@virtual()
async def test_a_deadline_ends_the_wait_for_room(plugins):
    """Elements that began go on; a worker is free again for the next message."""
    async with running(flow(work="{type: delay, for: 4s}", workers=2), plugins) as app:
        with pytest.raises(Timeout, match="did not finish within 5s"):
            await app.call("f", list(range(100)), timeout=5)
        await asyncio.sleep(10)
        flow_ = app.generation.flows["f"]
        assert (flow_.in_flight, flow_.waiting) == (0, 0)
        assert bodies(app) == [0, 1, 2, 3]


@virtual()
async def test_a_flow_that_elements_call_again_goes_on(plugins):
    """Elements that are lists are split by the same flow, which has one worker."""
    work = "{type: if, condition: type(body) == list, then: [{type: flow-ref, flow: f}]}"
    async with running(flow(work=work, workers=1), plugins) as app:
        await app.call("f", [1, [2, [3]]])
        assert 3 in bodies(app)


# --- configuration -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ("mode: lines, items: body", "`items` is for `mode: expression`; here it is `lines`"),
        ("mode: delimiter", "`mode: delimiter` needs `delimiter`"),
        ("mode: chunk", "`mode: chunk` needs `chunkSize`"),
        ("mode: chunk, chunkSize: 0", "chunkSize"),
        ("onError: skip", "`mode: expression` needs `items`"),
        ("items: body, onError: fail", "skip"),
    ],
)
def test_the_settings_are_checked(plugins, settings, said):
    with pytest.raises(ConfigError) as caught:
        parse(flow(settings), plugins, {})

    assert said in "\n".join(f"{each.message} {each.hint}" for each in caught.value.problems)


@pytest.mark.parametrize(
    "flows",
    [
        "{name: f, process: [{type: if, condition: 'true', then: [{type: split, items: body}]}]}",
        "{name: f, process: [], error: [{type: split, items: body}]}",
        "{name: f, process: [{type: split, items: body, buildResponse: [{type: split, items: body}]}]}",
    ],
)
def test_it_stands_at_the_root(plugins, flows):
    with pytest.raises(ConfigError) as caught:
        parse(f"flows: [{flows}]", plugins, {})

    assert [each.code for each in caught.value.problems] == ["OCTO-C163"]


def test_what_is_known_of_elements(plugins):
    """Their fields are checked; callers know nothing of the answer."""
    text = """
flows:
  - name: f
    input: {type: object, properties: {lines: {type: array, items: {type: object, properties: {sku: {type: string},
      }, additionalProperties: false}}}, additionalProperties: false}
    process:
      - {type: split, items: body.lines}
      - {type: log, message: body.skuu}
  - name: g
    input: {type: object}
    process: [{type: flow-ref, flow: f}, {type: log, message: body.lines}]
"""
    with pytest.raises(ConfigError) as caught:
        parse(text, plugins, {})

    assert [(each.code, each.at.line) for each in caught.value.problems] == [("OCTO-C160", 8)]


# --- tests and traces --------------------------------------------------------------------------------------------

TESTED = """
connectors: [{name: q, type: queue}]
flows:
  - name: f
    source: {connector: q, type: queue, settings: {subject: s}}
    process:
      - {type: split, items: body}
      - {type: delay, for: 10s}
      - {type: set-payload, name: double, value: body * 2}
"""
SUITE = """
flow: f
clock: virtual
cases:
  - name: called
    input: {data: [1, 2]}
    spies: {f.double: {count: 2}}
    expect: {body: [1, 2]}
  - name: brought
    trigger: {body: [1, 2, 3]}
    spies: {f.double: {count: 3}}
    expect: {body: [1, 2, 3], vars: {groupSize: 3}}
"""


def test_tests_wait_for_elements_and_judge_the_message_that_came(command, tmp_path):
    (tmp_path / "flow.yaml").write_text(TESTED)
    (tmp_path / "flow_test.yaml").write_text(SUITE)

    code, out, err = command("test", str(tmp_path))
    assert code == 0, out + err


@virtual()
async def test_each_element_has_a_trace_of_its_own_and_all_have_one_id(plugins):
    kept = []
    async with running(flow(workers=1), plugins, observer=Recorder(kept.append)) as app:
        outcome = await app.call("f", [1, 2])
    traces = [records(encode(each).data) for each in kept]

    assert len({each[0]["trace"] for each in traces}) == 1
    paths = [[each["path"] for each in trace] for trace in traces]
    assert paths == [["f", "f.note", "f.log"]] * 2 + [["f", "f.set-variable", "f.split"]]
    assert outcome.vars["groupSize"] == 2
