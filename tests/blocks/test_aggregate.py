"""aggregate: one message for each complete group, whoever completes it, in whatever order."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest
from hypothesis import HealthCheck, given, settings as property_settings, strategies as st

from octo.blocks import aggregate as aggregate_
from octo.blocks.groups import NAMESPACE
from octo.config.load import parse
from octo.core.errors import ConfigError, Overloaded, Transient
from octo.core.flow import Drop, Failure
from octo.core.message import Message
from octo.engine.burial import InFlow
from octo.services.container import Services
from octo.services.embedded import in_file
from octo.services.memory import key_value, leases
from octo.testing import clock, running
from octo.testing.clock import shift_wall, virtual

FLOW = """
connectors: [{name: p, type: probe}]
flows:
  - name: f
    workers: 4
    process:
      - {type: aggregate, SETTINGS}
      - WORK
      - {type: note, connector: p, value: NOTED}
  - name: s
    process:
      - {type: split, items: body}
      - {type: flow-ref, flow: f}
"""
NOTED = """'{"body": body, "vars": vars, "correlation": correlationID}'"""


def flow(settings="correlation: vars.k, completionSize: '3'", work="{type: log}"):
    return FLOW.replace("SETTINGS", settings).replace("WORK", work).replace("NOTED", NOTED)


def released(app):
    """The bodies, counts and reasons of what was sent on, in order."""
    return [(each["body"], each["vars"]["aggregateCount"], each["vars"]["aggregateReason"]) for each in notes(app)]


def notes(app):
    return app.connector("p").notes


class Away:
    """The store as one process sees it: what it reads may be old when it comes."""

    def __init__(self, store, seconds):
        self._store = store
        self._seconds = seconds

    async def get(self, namespace, key):
        entry = await self._store.get(namespace, key)
        await asyncio.sleep(self._seconds)
        return entry

    def __getattr__(self, name):
        return getattr(self._store, name)


class Shared:
    """One store for several processes."""

    def __init__(self, seconds=0.01):
        self.opened = {}
        self.seconds = seconds

    def services(self):
        def shared(name, opened):
            @asynccontextmanager
            async def open_():
                if name not in self.opened:
                    context = opened()
                    self.opened[name] = (await context.__aenter__(), context)
                service = self.opened[name][0]
                yield Away(service, self.seconds) if name == "key-value" else service

            return open_

        openers = {"key-value": key_value.opened, "leases": leases.opened}
        return Services({name: shared(name, each) for name, each in openers.items()})


async def send(app, body, key="k", **more):
    return await app.call("f", body, {"k": key, **more})


# --- how groups are completed ------------------------------------------------------------------------------------


@virtual()
async def test_a_complete_group_is_one_message(plugins):
    """Fresh, with the list, three variables, and the correlation id of the first; the others end as they are."""
    async with running(flow(), plugins) as app:
        flow_ = app.generation.flows["f"]
        for number in range(3):
            outcome = await flow_.call(Message(number, {"k": "a", "mine": 1}, correlation_id=f"c{number}"))
            assert (outcome.message.body, outcome.message.vars) == (number, {"k": "a", "mine": 1})
        await send(app, "other", "b")
        await asyncio.sleep(1)
        about = {"aggregateKey": "a", "aggregateCount": 3, "aggregateReason": "size"}
        assert notes(app) == [{"body": [0, 1, 2], "vars": about, "correlation": "c0"}]


@virtual()
async def test_after_split_it_needs_no_settings(plugins):
    """The list has the order of the elements, whatever finishes first."""
    slow = """{type: delay, for: 'duration(string(100 - body * 10) + "ms")'}, """
    text = flow("maxGroups: 5").replace("{type: flow-ref", slow + "{type: flow-ref")
    text = text.replace(
        "process:\n      - {type: split, items: body}\n      - ", "process: [{type: split, items: body}, "
    )
    text = text.rstrip() + "]\n"
    async with running(text, plugins) as app:
        await app.call("s", list(range(10)))
        await asyncio.sleep(1)
        assert released(app) == [(list(range(10)), 10, "size")]


@virtual()
async def test_a_group_whose_size_is_known_late(plugins):
    async with running(flow("maxGroups: 5"), plugins) as app:
        for index, size in ((0, -1), (2, 3), (1, -1)):
            await app.call("f", index, {"groupId": "g", "groupIndex": index, "groupSize": size})
        await asyncio.sleep(1)
        assert released(app) == [([0, 1, 2], 3, "size")]


@virtual()
async def test_an_expression_folds_and_another_completes(plugins):
    settings = (
        "correlation: vars.k, strategy: expression, "
        "expression: '(vars.group.acc == null ? 0 : vars.group.acc) + body', "
        "completionExpression: 'vars.group.acc >= 10'"
    )
    async with running(flow(settings), plugins) as app:
        for number in (4, 5, 6, 7):
            await send(app, number)
        await asyncio.sleep(1)
        assert released(app) == [(15, 3, "expression")]


@virtual()
async def test_what_expressions_see_of_a_group(plugins):
    settings = (
        "correlation: vars.k, strategy: expression, expression: vars.group, completionExpression: vars.group.count == 2"
    )
    async with running(flow(settings), plugins) as app:
        await send(app, 1)
        await asyncio.sleep(2)
        await send(app, 1)
        await asyncio.sleep(1)
        ((seen, _, _),) = released(app)

    assert {name: seen[name] for name in ("key", "count", "size")} == {"key": "k", "count": 1, "size": -1}
    assert seen["ageMs"] == seen["idleMs"] == pytest.approx(2000, abs=100)


@virtual()
async def test_size_comes_before_expression(plugins):
    settings = "correlation: vars.k, completionSize: '2', completionExpression: vars.group.count == 2"
    async with running(flow(settings), plugins) as app:
        await send(app, 1)
        await send(app, 2)
        await asyncio.sleep(1)
        assert released(app) == [([1, 2], 2, "size")]


@virtual()
@pytest.mark.parametrize(("since", "expected"), [("first", ([0, 1], 2)), ("last", ([0, 1, 2], 3))])
async def test_a_timeout_releases_what_is_there(plugins, since, expected):
    settings = f"correlation: vars.k, completionTimeout: 10s, timeoutFrom: {since}"
    async with running(flow(settings), plugins) as app:
        for number in range(3):
            await send(app, number)
            await asyncio.sleep(8)
        await asyncio.sleep(6)
        body, count = expected
        assert released(app)[0] == (body, count, "timeout")


@virtual()
async def test_gaps_are_null(plugins):
    async with running(flow("completionTimeout: 2s"), plugins) as app:
        for index in (4, 1):
            await app.call("f", index, {"groupId": "g", "groupIndex": index, "groupSize": 6})
        await asyncio.sleep(5)
        assert released(app) == [([None, 1, None, None, 4], 2, "timeout")]


@virtual()
async def test_elements_of_other_groups_or_with_numbers_beyond_reason_have_the_order_of_arrival(plugins):
    async with running(flow("correlation: vars.k, completionTimeout: 2s"), plugins) as app:
        for origin, index in (("g", 1), ("h", 0), ("g", 0)):
            await send(app, f"{origin}{index}", "a", groupId=origin, groupIndex=index)
        for index in (10**9, 0):
            await send(app, index, "b", groupId="b", groupIndex=index)
        await asyncio.sleep(5)
        assert sorted(str(body) for body, _, _ in released(app)) == ["['g1', 'h0', 'g0']", "[1000000000, 0]"]


@virtual()
async def test_a_clock_that_goes_back_keeps_no_group_open(plugins):
    async with running(flow("correlation: vars.k, completionTimeout: 10s"), plugins) as app:
        await send(app, 1)
        shift_wall(-3600)
        await asyncio.sleep(5)
        assert released(app) == [([1], 1, "timeout")]


# --- any order, duplicates, timeouts -----------------------------------------------------------------------------

ARRIVALS = st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 3), st.integers(0, 3)), max_size=24)


@given(ARRIVALS, st.sampled_from(["append", "expression"]))
@property_settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_order_and_however_often_each_group_is_released_once(plugins, arrivals, strategy):
    """Two processes on one store get elements of two splits of four, in any order, each any number of times."""
    settings = "completionTimeout: 60s"
    if strategy == "expression":
        settings += ", strategy: expression, expression: 'vars.group.acc == null ? [body] : vars.group.acc + [body]'"

    async def check():
        shared = Shared()
        async with (
            shared.services() as one,
            shared.services() as two,
            running(flow(settings), plugins, services=one) as first,
            running(flow(settings), plugins, services=two) as second,
        ):
            async with asyncio.TaskGroup() as tasks:
                for number, (origin, index, _) in enumerate(arrivals):
                    app = (first, second)[arrivals[number][2] % 2]
                    numbers = {"groupId": origin, "groupIndex": index, "groupSize": 4}
                    tasks.create_task(app.call("f", f"{origin}{index}", numbers))
                    if arrivals[number][2] > 1:
                        await asyncio.sleep(0.5)
            await asyncio.sleep(120)
            return [each for app in (first, second) for each in notes(app)]

    found = clock.run(check())
    for origin in "ab":
        came = {index for each, index, _ in arrivals if each == origin}
        mine = [each for each in found if each["vars"]["aggregateKey"] == origin]
        assert len(mine) == bool(came)
        for each in mine:
            assert each["vars"]["aggregateReason"] == ("size" if len(came) == 4 else "timeout")
            assert each["vars"]["aggregateCount"] == len(came)
            assert {body for body in each["body"] if body} == {f"{origin}{index}" for index in came}
            if strategy == "append":
                assert all(body in (None, f"{origin}{place}") for place, body in enumerate(each["body"]))


@virtual()
async def test_an_element_that_comes_again_takes_the_place_of_the_first(plugins):
    async with running(flow("maxGroups: 5"), plugins) as app:
        for index, body in ((0, "old"), (0, "new"), (1, "b")):
            await app.call("f", body, {"groupId": "g", "groupIndex": index, "groupSize": 2})
        await app.call("f", "late", {"groupId": "g", "groupIndex": 1, "groupSize": 2})
        await asyncio.sleep(100)
        assert released(app) == [(["new", "b"], 2, "size")]
        assert await groups_left(app) == []


async def groups_left(app):
    services = app.generation._services.handed({"store": "key-value"})
    return list((await services["store"].list(NAMESPACE)).names)


# --- bad days ----------------------------------------------------------------------------------------------------


@virtual()
async def test_groups_outlive_a_restart(plugins, tmp_path):
    settings = "correlation: vars.k, completionSize: '3', completionTimeout: 1h"
    for number in range(3):
        async with (
            Services(in_file(tmp_path / "o.db")) as services,
            running(flow(settings), plugins, services=services) as app,
        ):
            await send(app, number)
            await asyncio.sleep(1)
            assert released(app) == ([([0, 1, 2], 3, "size")] if number == 2 else [])


@virtual()
async def test_what_a_process_released_and_did_not_finish_is_released_again(plugins):
    """As is a group whose time passed while no process ran."""
    shared = Shared()
    hang = flow("correlation: vars.k, completionSize: '2'", "{type: wait, connector: p}")
    async with shared.services() as services, running(hang, plugins, services=services, drain=0.0) as app:
        await send(app, 1)
        await send(app, 2)
        await asyncio.sleep(300)
        assert app.kinds("f").count("started") == 3, "while its process lives, nobody releases it again"
    async with shared.services() as services, running(flow(), plugins, services=services) as app:
        await asyncio.sleep(100)
        assert released(app) == [([1, 2], 2, "size")]
        assert await groups_left(app) == []


@virtual()
async def test_what_ends_while_it_is_looked_at_is_not_released_again(plugins):
    """The look reads the group for a second, and the message of the group ends meanwhile."""
    text = flow("correlation: vars.k, completionSize: '1', completionTimeout: 10s", "{type: delay, for: 3500ms}")
    async with Shared(seconds=1).services() as services, running(text, plugins, services=services) as app:
        for number in range(20):
            await send(app, number, str(number))
            await asyncio.sleep(0.3)
        await asyncio.sleep(100)
        assert len(notes(app)) == 20


@virtual()
async def test_of_two_processes_one_looks_for_timeouts(plugins):
    shared = Shared()
    text = flow("correlation: vars.k, completionTimeout: 10s")
    async with shared.services() as one, shared.services() as two, running(text, plugins, services=one) as first:
        async with running(text, plugins, services=two) as second:
            await send(second, 1)
            await asyncio.sleep(30)
            assert [len(notes(first)), len(notes(second))] == [1, 0]
        await send(first, 2)
        await asyncio.sleep(30)
        assert len(notes(first)) == 2


@virtual()
async def test_a_failed_message_is_the_flows_failure_and_the_group_is_gone(plugins):
    async with running(flow(work="{type: fail, connector: p}"), plugins) as app:
        for number in range(3):
            await send(app, number)
        await asyncio.sleep(200)
        assert app.kinds("f").count("failed") == 1
        assert await groups_left(app) == []


@virtual()
async def test_a_failed_message_goes_to_the_dead_letters_of_the_flow(plugins, monkeypatch):
    """Those that were added are settled: nobody else has what was in them. If it cannot be kept, the group stays."""
    text = flow(work="{type: fail, connector: p}").replace("workers: 4", "deadLetter: {flow: kept}")
    text += "  - {name: kept, process: [{type: note, connector: p, value: '[body, vars.deadLetter.flow]'}]}\n"
    keep = InFlow.keep

    async def refuse(self, message, letter):
        raise Transient("away")

    async with running(text, plugins) as app:
        monkeypatch.setattr(InFlow, "keep", refuse)
        for number in range(3):
            await send(app, number)
        await asyncio.sleep(1)
        assert len(await groups_left(app)) == 1
        monkeypatch.setattr(InFlow, "keep", keep)
        await asyncio.sleep(100)
        assert notes(app) == [[[0, 1, 2], "f"]]
        assert await groups_left(app) == []


@virtual()
async def test_a_group_beyond_what_the_store_takes_is_refused_clearly(plugins):
    async with running(flow("correlation: vars.k, completionSize: '9'"), plugins) as app:
        await send(app, "x" * 600_000)
        with pytest.raises(
            Failure, match="the group 'k' cannot be kept: the value takes more than 1,048,576 bytes"
        ) as caught:
            await send(app, "y" * 600_000)

    assert caught.value.cause.code == "OCTO-P110"


@virtual()
@pytest.mark.parametrize("key", ["''", "vars.missing", "null"])
async def test_a_message_without_a_key_fails(plugins, key):
    async with running(flow(f"correlation: {key!r}" if key != "''" else "correlation: '\"\"'"), plugins) as app:
        with pytest.raises(Failure):
            await send(app, 1)
    async with running(flow("maxGroups: 3"), plugins) as app:
        with pytest.raises(Failure, match="the key of the group is empty"):
            await app.call("f", 1)


@virtual()
async def test_too_many_groups(plugins):
    settings = "correlation: vars.k, completionSize: '2', maxGroups: 2, onOverflow: "
    async with running(flow(settings + "fail"), plugins) as app:
        for key in "ab":
            await send(app, 1, key)
        with pytest.raises(Failure, match="2 groups are open already") as caught:
            await send(app, 1, "c")
        assert isinstance(caught.value.cause, Overloaded)
        await send(app, 2, "a")
        await asyncio.sleep(1)
        await send(app, 1, "c")
    async with running(flow(settings + "drop"), plugins) as app:
        outcomes = [await send(app, 1, key) for key in "abc"]
        assert [isinstance(each, Drop) for each in outcomes] == [False, False, True]
    async with running(flow(settings + "complete"), plugins) as app:
        for key in "abc":
            await send(app, key, key)
            await asyncio.sleep(1)
        assert released(app) == [(["a"], 1, "overflow")]


@virtual()
async def test_groups_behind_groups_wait_for_no_lock(plugins, monkeypatch):
    """Also when all share one lock and there is one worker."""
    monkeypatch.setattr(aggregate_, "_STRIPES", 1)
    again = "{type: aggregate, correlation: '\"all\"', completionSize: '2'}"
    text = flow("correlation: vars.k, completionSize: '2', maxGroups: 1, onOverflow: complete", again)
    async with running(text.replace("workers: 4", "workers: 1"), plugins) as app:
        for key in "abcd":
            await send(app, key, key)
        await asyncio.sleep(1)
        assert [body for body, _, _ in released(app)] == [[["a"], ["b"]]]


# --- answers and settings ----------------------------------------------------------------------------------------


@virtual()
async def test_build_response_answers_each_message(plugins):
    respond = "correlation: vars.k, completionSize: '2', buildResponse: [{type: set-payload, value: '\"taken\"'}]"
    async with running(flow(respond), plugins) as app:
        assert [(await send(app, number)).body for number in range(2)] == ["taken", "taken"]
        await asyncio.sleep(1)
        assert released(app) == [([0, 1], 2, "size")]


@virtual()
async def test_blocks_of_one_store_key_share_groups(plugins):
    text = flow("correlation: vars.k, completionSize: '2', storeKey: shared")
    text += text[text.index("  - name: f") : text.index("  - name: s")].replace("name: f", "name: g")
    async with running(text, plugins) as app:
        await send(app, 1)
        await app.call("g", 2, {"k": "k"})
        await asyncio.sleep(1)
        assert released(app) == [([1, 2], 2, "size")]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ("strategy: expression", "`expression` and `strategy: expression` belong together"),
        ("expression: body", "`expression` and `strategy: expression` belong together"),
        ("completionTimeout: 0s", "must be more than 0"),
        ("onOverflow: wait", "drop"),
        ("maxGroups: 0", "maxGroups"),
        ("timeoutFrom: start", "first"),
    ],
)
def test_the_settings_are_checked(plugins, settings, said):
    with pytest.raises(ConfigError) as caught:
        parse(flow(settings), plugins, {})

    assert said in "\n".join(f"{each.message} {each.hint}" for each in caught.value.problems)


def test_it_stands_at_the_root(plugins):
    text = "flows: [{name: f, process: [{type: enrich, body: [{type: aggregate, correlation: body.k}]}]}]"
    with pytest.raises(ConfigError) as caught:
        parse(text, plugins, {})

    assert [each.code for each in caught.value.problems] == ["OCTO-C163"]


TESTED = """
flows:
  - name: f
    process:
      - {type: aggregate, correlation: body.k, completionTimeout: 1m}
      - {type: set-payload, name: made, value: 'body.map(each, each.n)'}
"""
SUITE = """
flow: f
clock: virtual
cases:
  - name: two groups, one timeout later
    calls:
      - {input: {data: {k: a, n: 1}}}
      - {input: {data: {k: a, n: 2}}, spies: {f.made: {count: 0}}}
      - {after: 2m, spies: {f.made: {count: 1, records: [{output: {body: [1, 2]}}]}}}
"""


def test_tests_let_time_pass(command, tmp_path):
    (tmp_path / "flow.yaml").write_text(TESTED)
    (tmp_path / "flow_test.yaml").write_text(SUITE)

    code, out, err = command("test", str(tmp_path))
    assert code == 0, out + err
