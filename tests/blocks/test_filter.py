"""filter drops with a reason."""

from __future__ import annotations

from octo.core.flow import Drop
from octo.testing.harness import running

FLOWS = """
flows:
  - name: named
    process: [{type: filter, expr: body > 0, reason: not positive}]
  - name: unnamed
    process: [{type: filter, expr: body > 0}]
"""


async def test_messages_that_satisfy_pass_and_others_drop_with_the_reason(plugins):
    async with running(FLOWS, plugins) as app:
        assert (await app.call("named", 1)).body == 1
        assert await app.call("named", 0) == Drop("not positive")
        assert app.events[-1].reason == "not positive"


async def test_the_expression_is_the_reason_when_none_is_given(plugins):
    async with running(FLOWS, plugins) as app:
        assert await app.call("unnamed", 0) == Drop("not body > 0")
