"""A message goes on in the flow files that it began with."""

from __future__ import annotations

from octo.services.container import MEMORY, Services
from octo.testing.clock import virtual
from tests.engine.lives import LINE, Effects, cut_off, life, resumed


@virtual()
async def test_a_message_goes_on_in_the_files_that_it_began_with():
    effects = Effects()
    edited = LINE.replace("'two'", "'other two'")
    async with Services(MEMORY) as services:
        await cut_off(LINE, effects, services, "two")
        await resumed(edited, effects, services)
        async with life(edited, effects, services) as process:
            await process.call()
    assert effects.names[:3] == ["one", "began two", "two"]
    assert effects.names[4:6] == ["one", "other two"]


@virtual()
async def test_a_message_whose_flow_is_gone_is_finished_all_the_same():
    effects = Effects()
    async with Services(MEMORY) as services:
        await cut_off(LINE, effects, services, "two")
        await resumed(LINE.replace("name: work", "name: new"), effects, services)
    assert effects.names[:3] == ["one", "began two", "two"]
