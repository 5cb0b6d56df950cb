"""fork runs branches on a message and passes it on unchanged."""

from __future__ import annotations

import asyncio

import pytest

from octo.config.load import parse
from octo.core.errors import ConfigError
from octo.testing.clock import settle, virtual
from octo.testing.harness import running
from octo.testing.probe import probes

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
