"""A spy sees what goes into a block and what comes out, and changes nothing."""

from __future__ import annotations

import pytest

from octo.config.load import parse
from octo.core.block import block
from octo.core.errors import Timeout
from octo.core.flow import Drop, Failure
from octo.core.message import Message
from octo.core.plugins import Plugins
from octo.core.settings import Settings
from octo.debug import Debug
from octo.engine.invoke import invoke
from octo.engine.observe import NOBODY
from octo.testing.clock import virtual


async def test_a_crossing_has_what_went_in_and_what_came_out(watched):
    ended, debug = await watched(4, spies=["f.check[then].double", "f.switch"])

    assert ended.body == "switch"
    double, switch = debug.spies["f.check[then].double"], debug.spies["f.switch"]
    assert [(each.input.body, each.output.body, each.dropped, each.error) for each in double] == [(4, 8, None, None)]
    assert [(each.input.body, each.output, each.error) for each in switch] == [(8, None, 'block "charge": declined')]


async def test_a_dropped_message_is_said_so(watched):
    ended, debug = await watched(-1, spies=["f.check"])

    assert isinstance(ended, Drop)
    assert [(each.dropped, each.output) for each in debug.spies["f.check"]] == [("too small", None)]


async def test_a_spy_that_nothing_crosses_has_no_crossings(watched):
    assert (await watched(4, spies=["f.check[else].filter"]))[1].spies == {"f.check[else].filter": []}


async def test_crossings_are_numbered_over_all_spies_as_messages_go_in(watched):
    _, debug = await watched(2, spies=["g.set-payload", "f.sum", "f.start"])

    assert {address: found[0].seq for address, found in debug.spies.items()} == {
        "f.start": 1,
        "f.sum": 2,
        "g.set-payload": 3,
    }


async def test_two_addresses_of_one_block_show_the_same(watched):
    _, debug = await watched(3, spies=["f.if", "f.check"])

    assert len(debug.spies["f.if"]) == 1
    assert debug.spies["f.if"] == debug.spies["f.check"]


EACH = """
flows:
  - name: f
    process:
      - type: foreach
        items: body
        body: [{type: set-payload, name: twice, value: vars.item * 2}]
"""


async def test_every_time_round_a_loop_is_a_crossing(plugins):
    config = parse(EACH, plugins, {})
    debug = Debug(config, "f", spies=["f.foreach[body].twice"])
    await invoke(config, "f", Message([1, 2, 3]), 5, debug)

    assert [each.output.body for each in debug.spies["f.foreach[body].twice"]] == [2, 4, 6]


NONE = f"{__name__}:none"

BROKEN = """
connectors: [{name: p, type: probe}]
flows:
  - {name: bug, process: [{type: fail, connector: p, how: bug, text: oops}]}
  - {name: wait, process: [{type: wait, connector: p}]}
"""


async def test_the_error_of_a_bug_names_its_kind(plugins):
    config = parse(BROKEN, plugins, {})
    debug = Debug(config, "bug", spies=["bug.fail"])
    with pytest.raises(Failure):
        await invoke(config, "bug", Message(), 5, debug)

    assert [each.error for each in debug.spies["bug.fail"]] == ["KeyError: 'oops'"]


@virtual(start="2026-01-01T00:00:00Z")
async def test_a_block_that_the_timeout_caught_went_in_and_never_came_out(plugins):
    config = parse(BROKEN, plugins, {})
    debug = Debug(config, "wait", spies=["wait.wait"])
    with pytest.raises(Timeout):
        await invoke(config, "wait", Message(1), 5, debug)

    (crossing,) = debug.spies["wait.wait"]
    assert crossing[3:] == (None, None, None)
    assert crossing.at == 1767225600.0


@block("none")
def none(settings: Settings, message: Message) -> None:
    """A block that forgets to return the message."""


async def test_an_answer_that_is_no_message_is_refused_in_the_same_words(plugins):
    config = parse("flows: [{name: f, process: [{type: none}]}]", plugins.joined(Plugins({}, {"none": NONE})), {})
    refusals = []
    for debug in (NOBODY, spy := Debug(config, "f", spies=["f.none"])):
        with pytest.raises(Failure) as caught:
            await invoke(config, "f", Message(), 5, debug)
        refusals.append(str(caught.value))

    assert refusals[0] == refusals[1]
    assert [each.error for each in spy.spies["f.none"]] == [refusals[0].removeprefix('block "none": ')]
