"""What a connector of a model opens in place of its provider."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from octo.ai.model import Wire
from octo.ai.script.settings import Script
from octo.ai.script.tape import TapedWire
from octo.ai.script.wire import ScriptedWire


@asynccontextmanager
async def scripted(
    script: Script,
    model: str,
    max_tokens: int | None,
    real: Callable[[], AbstractAsyncContextManager[Wire]],
) -> AsyncIterator[Wire]:
    """Yield the wire of a stub.

    model, max_tokens: what the connector's settings say. real: opens the provider, only while a cassette is recorded or
    compared.
    """
    player = script.player()
    if player is None:
        yield ScriptedWire(script, model, max_tokens)
    elif not player.is_live:
        yield ScriptedWire(script, model, max_tokens, TapedWire(player, model, max_tokens, None))
    else:
        async with real() as wire:
            yield ScriptedWire(script, model, max_tokens, TapedWire(player, model, max_tokens, wire))
