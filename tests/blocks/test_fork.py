"""fork runs branches on a message and passes it on unchanged, or joins what they end with."""

from __future__ import annotations

import asyncio
import json

import pytest
from hypothesis import given, settings as hypothesis, strategies as st

from octo.builtin import plugins as builtin
from octo.config.load import parse
from octo.core.errors import ConfigError
from octo.core.flow import Failure
from octo.testing.clock import settle, virtual
from octo.testing.harness import running
from octo.testing.probe import probe_plugins, probes

FORK = """
connectors: [{{name: p, type: probe}}]
flows:
  - name: f
    pool: {pool}
    process:
      - type: fork
        name: scatter
        branches:
          - name: a
            process: [{{type: note, connector: p, value: '"a" + body'}}, {{type: set-payload, value: '"lost"'}}]
          - name: b
            process: [{{type: wait, connector: p}}, {{type: note, connector: p, value: '"b" + body'}}]
          - process: [{{type: wait, connector: p}}, {{type: filter, expr: 'false'}}]
"""


@pytest.mark.parametrize("pool", [1, 64])
async def test_branches_get_the_message_and_their_answers_are_ignored(plugins, pool):
    async with running(FORK.format(pool=pool), plugins) as app:
        probes["probe"].gate("go").set()

        outcome = await app.call("f", "x")

        assert outcome.body == "x"
        assert probes["probe"].notes == ["ax", "bx"]


@virtual()
async def test_branches_run_at_the_same_time(plugins):
    async with running(FORK.format(pool=64), plugins) as app, asyncio.TaskGroup() as group:
        group.create_task(app.call("f", "x"))
        await settle()
        waiting = probes["probe"].waiting
        probes["probe"].gate("go").set()

    assert waiting == 2


FAILING = """
connectors: [{name: p, type: probe}]
flows:
  - name: f
    process:
      - type: fork
        branches:
          - name: slow
            process: [{type: wait, connector: p}]
          - name: bad
            process: [{type: set-payload, value: '"changed"'}, {type: fail, connector: p, name: leaf}]
    error:
      - type: set-payload
        value: '{"why": vars.error.message, "block": vars.error.block, "path": vars.error.path, "body": body}'
"""


async def test_the_first_failing_branch_cancels_the_others_and_is_named(plugins):
    async with running(FAILING, plugins) as app:
        outcome = await app.call("f", "x")

        assert outcome.body == {
            "why": 'block "fork": fork branch "bad": block "leaf": as ordered',
            "block": "fork",
            "path": "f.fork[bad].leaf",
            "body": "x",
        }
        assert probes["probe"].waiting == 0


NESTED = """
connectors: [{name: p, type: probe}]
flows:
  - name: f
    pool: 2
    process:
      - type: fork
        branches: &level3
          - process: [{type: fork, branches: &level2 [
              {process: [{type: fork, branches: &level1 [
                {process: [{type: wait, connector: p}, {type: note, connector: p, value: '1'}]},
                {process: [{type: wait, connector: p}, {type: note, connector: p, value: '1'}]},
                {process: [{type: wait, connector: p}, {type: note, connector: p, value: '1'}]}]}]},
              {process: [{type: fork, branches: *level1}]},
              {process: [{type: fork, branches: *level1}]}]}]
          - process: [{type: fork, branches: *level2}]
          - process: [{type: fork, branches: *level2}]
"""


async def test_forks_nest_deeper_than_the_pool_without_deadlock(plugins):
    async with running(NESTED, plugins) as app, asyncio.timeout(20):
        probes["probe"].gate("go").set()

        await app.call("f")

        assert len(probes["probe"].notes) == 27


def test_a_fork_has_branches(plugins):
    with pytest.raises(ConfigError, match="must not be empty"):
        parse("flows: [{name: f, process: [{type: fork, branches: []}]}]", plugins, {})


# --- joins -----------------------------------------------------------------------------------------------------------


def branch(name: str, what: object, seconds: int = 0) -> str:
    """A branch that waits and then ends with a body, drops the message (None) or fails (an exception)."""
    if what is None:
        end = "{type: filter, expr: 'false'}"
    elif isinstance(what, Exception):
        end = f"{{type: fail, connector: p, name: leaf, text: {what}}}"
    else:
        end = f"{{type: set-payload, value: '{json.dumps(what)}'}}"
    waits = f"{{type: delay, for: {seconds}s}}, " if seconds else ""
    return f"{{name: {name}, process: [{waits}{{type: set-variable, settings: {{name: inner, value: '1'}}}}, {end}]}}"


def joining(join: str, *branches: str, more: str = "") -> str:
    return f"""
connectors: [{{name: p, type: probe}}]
flows:
  - name: f
    process:
      - {{type: fork, join: {join}, {more} branches: [{", ".join(branches)}]}}
"""


NO = RuntimeError("no")


@virtual()
@pytest.mark.parametrize(
    ("join", "ends", "body"),
    [
        ("list", [1, None, "x"], [1, None, "x"]),
        ("map", [1, None, "x"], {"b0": 1, "b1": None, "b2": "x"}),
        ("merge", [{"a": 1, "b": 1}, None, {"b": 2}], {"a": 1, "b": 2}),
        ("first", [1, 2, 3], 1),
        ("first", [None, NO, 3], 3),
        ("first", [None, None], None),
    ],
)
async def test_a_join_makes_the_body_of_what_the_branches_end_with(plugins, join, ends, body):
    branches = [branch(f"b{index}", end, seconds=len(ends) - index) for index, end in enumerate(ends)]
    if join == "first":
        branches = [branch(f"b{index}", end, seconds=index + 1) for index, end in enumerate(ends)]
    async with running(joining(join, *branches), plugins) as app:
        outcome = await app.call("f", "in", {"kept": 1})

    assert (outcome.body, dict(outcome.vars)) == (body, {"kept": 1})


@virtual()
async def test_the_first_success_cancels_the_others(plugins):
    branches = [branch("slow", 1, 60), branch("bad", NO, 1), branch("quick", 3, 2), branch("later", 4, 3)]
    async with running(joining("first", *branches), plugins) as app:
        outcome = await app.call("f")

        assert outcome.body == 3
        assert asyncio.get_running_loop().time() == 2


@virtual()
async def test_one_after_the_other_is_a_list_of_fallbacks(plugins):
    branches = [branch("bad", NO, 1), branch("good", 2, 5), branch("never", NO)]
    async with running(joining("first", *branches, more="concurrency: 1,"), plugins) as app:
        assert (await app.call("f")).body == 2
        assert asyncio.get_running_loop().time() == 6


@virtual()
async def test_when_no_branch_succeeds_the_first_one_s_error_is_raised(plugins):
    branches = [branch("a", NO, 2), branch("b", RuntimeError("other"), 1), branch("c", None)]
    async with running(joining("first", *branches), plugins) as app:
        with pytest.raises(Failure) as caught:
            await app.call("f", "in")

    assert str(caught.value) == ('block "fork": none of 3 branches succeeded: fork branch "a": block "leaf": no')
    assert caught.value.message.body == "in"


@virtual()
@pytest.mark.parametrize("join", ["list", "map", "merge"])
async def test_an_error_fails_a_join_unless_it_is_to_be_a_value(plugins, join):
    async with running(joining(join, branch("a", {"x": 1}, 60), branch("b", NO)), plugins) as app:
        with pytest.raises(Failure, match='fork branch "b": block "leaf": no'):
            await app.call("f")

    assert asyncio.get_running_loop().time() == 0


@virtual()
async def test_partial_failures_are_values(plugins):
    text = joining("map", branch("a", 1, 5), branch("b", NO), branch("c", None), more="onError: value,")
    text += "      - {type: set-payload, value: 'body.b.ok ? [] : [body.a.value, body.b.error.code]'}\n"
    async with running(text, plugins) as app:
        assert (await app.call("f")).body == [1, "OCTO-R110"]


@virtual()
async def test_concurrency_limits_the_branches_at_once(plugins):
    text = joining("list", *[branch(f"b{n}", n, 10) for n in range(5)], more="concurrency: 2,")
    async with running(text, plugins) as app:
        assert (await app.call("f")).body == [0, 1, 2, 3, 4]
        assert asyncio.get_running_loop().time() == 30


async def test_a_body_that_is_no_map_cannot_be_merged(plugins):
    async with running(joining("merge", branch("a", {"x": 1}), branch("b", [1])), plugins) as app:
        with pytest.raises(Failure, match='fork branch "b" ended with list as its body; `join: merge` needs a map'):
            await app.call("f")


@pytest.mark.parametrize("join", ["list", "map", "first"])
async def test_a_stop_in_a_joined_branch_ends_the_flow(plugins, join):
    stop = "{name: s, process: [{type: stop, connector: p, value: '\"stopped\"'}]}"
    text = joining(join, stop, branch("b", 1)) + "      - {type: set-payload, value: '2'}\n"
    async with running(text, plugins) as app:
        assert (await app.call("f")).body == "stopped"


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (joining("map", branch("a", 1), "[]"), "`join: map` needs a `name` for each branch"),
        (joining("map", branch("a", 1), branch("a", 1)), "two are named `a`"),
        (
            joining("merge", branch("a", 1), more="onError: value,"),
            "`onError: value` needs `join: list` or `join: map`",
        ),
        (joining("lst", branch("a", 1)), "did you mean `list`"),
    ],
)
def test_joins_that_cannot_be_made_are_refused(plugins, written, said):
    with pytest.raises(ConfigError) as caught:
        parse(written, plugins, {})

    assert said in str(caught.value)


def test_what_a_list_holds_is_known(plugins):
    text = joining("list", branch("a", {"x": 1}), branch("b", {"x": 2})).replace(
        "process:", "input: {type: string}\n    process:", 1
    )
    parse(text + "      - {type: set-payload, value: 'body[0].x'}\n", plugins, {})
    with pytest.raises(ConfigError, match="y"):
        parse(text + "      - {type: set-payload, value: 'body[0].y'}\n", plugins, {})


ends = st.one_of(st.none(), st.just(NO), st.integers(0, 9), st.dictionaries(st.sampled_from("xyz"), st.integers(0, 9)))


@hypothesis(max_examples=40, deadline=None)
@given(st.lists(st.tuples(ends, st.integers(0, 3)), min_size=1, max_size=5), st.integers(1, 6), st.integers(0, 6))
def test_joins_do_what_they_say_whatever_the_branches_do(plan, concurrency, pool):
    names = [f"b{index}" for index in range(len(plan))]
    branches = [branch(name, end, seconds) for name, (end, seconds) in zip(names, plan, strict=True)]
    given_ends = [end for end, _ in plan]
    failed = [end for end in given_ends if isinstance(end, Exception)]
    good = [end for end in given_ends if end is not None and not isinstance(end, Exception)]

    @virtual()
    async def run(join: str, more: str = "") -> object:
        text = joining(join, *branches, more=f"concurrency: {concurrency}, {more}").replace(
            "process:", f"pool: {max(pool, 1)}\n    process:", 1
        )
        async with running(text, probe_plugins(builtin())) as app:
            try:
                outcome = await app.call("f")
            except Failure as failure:
                return failure
        return outcome.body

    listed, mapped, first = run("list"), run("map"), run("first")
    told = run("list", "onError: value,")

    assert isinstance(listed, Failure) == isinstance(mapped, Failure) == bool(failed)
    if not failed:
        assert listed == given_ends
        assert mapped == dict(zip(names, given_ends, strict=True))
    assert [each["ok"] for each in told] == [not isinstance(end, Exception) for end in given_ends]
    assert [each["value"] for each in told if each["ok"]] == [end for end in given_ends if end not in failed]
    if good:
        assert first in good
    else:
        assert isinstance(first, Failure) == bool(failed)
