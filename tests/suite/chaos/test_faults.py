"""One call fails in the chosen way, and all calls are recorded."""

from __future__ import annotations

import pytest

from octo.config.load import parse
from octo.core.errors import Timeout, Transient
from octo.core.flow import Failure
from octo.core.settings import Settings
from octo.suite.chaos.faults import Faults, Injection, effects
from octo.testing.clock import virtual
from octo.testing.harness import running
from octo.testing.probe import probes

FLOW = """
connectors: [{name: p, type: probe}]
flows:
  - name: f
    process:
      - {type: note, connector: p, name: a, value: '1'}
      - {type: note, connector: p, name: b, value: '2'}
      - {type: log}
"""


async def noted(plugins, injection):
    faults = Faults(effects(parse(FLOW, plugins, {})), injection)
    async with running(FLOW, plugins, observer=faults) as app:
        probe = probes["probe"]
        try:
            await app.call("f")
        except Failure as failure:
            return faults.made, probe.notes, failure.cause
    return faults.made, probe.notes, None


def test_blocks_that_call_the_outside_are_found_with_what_they_do_there(plugins):
    assert effects(parse(FLOW, plugins, {})) == {"f.a": "once", "f.b": "once"}


def test_settings_may_say_that_a_call_is_harmless(plugins, monkeypatch):
    monkeypatch.setattr(Settings, "effect", "safe", raising=False)

    assert effects(parse(FLOW, plugins, {})) == {"f.a": "safe", "f.b": "safe"}


@virtual()
async def test_without_an_injection_calls_are_only_written_down(plugins):
    assert await noted(plugins, None) == ([("f.a", 1, False), ("f.b", 1, False)], [1, 2], None)


@virtual()
async def test_a_call_that_fails_is_not_carried_out(plugins):
    made, notes, cause = await noted(plugins, Injection(1, "fails"))

    assert (made, notes, type(cause)) == ([("f.a", 1, False), ("f.b", 0, False)], [1], Transient)


@virtual()
async def test_a_call_that_times_out_was_carried_out(plugins):
    made, notes, cause = await noted(plugins, Injection(1, "times out"))

    assert (made, notes, type(cause)) == ([("f.a", 1, False), ("f.b", 1, False)], [1, 2], Timeout)


@virtual()
@pytest.mark.parametrize(("fault", "notes"), [("is slow", [1, 2]), ("happens twice", [1, 1, 2])])
async def test_a_call_may_be_slow_or_happen_twice(plugins, fault, notes):
    assert (await noted(plugins, Injection(0, fault)))[1] == notes
