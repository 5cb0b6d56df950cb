"""Checks the stub: it must open without other systems, run the blocks, and bring messages when it is triggered."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from pydantic import ValidationError

from octo.core.settings import Settings
from octo.testing.conformance import calling
from octo.testing.conformance.subject import NAME, Subject, flow_of_source
from octo.testing.conformance.watch import Findings, watched


async def check(subject: Subject, found: Findings) -> None:
    """Report what is wrong with the stub of the connector and its trigger."""
    stub = subject.type.stub
    if stub is None:
        return
    if _model(stub.settings, subject.given.stub, "stub", found) is None:
        return
    try:
        await _blocks(subject, found)
        if stub.trigger is not None:
            for name in subject.type.sources:
                if f"the source `{name}`" in found.unsafe:
                    continue
                await _trigger(subject, name, stub.trigger, found)
    except Exception as error:  # noqa: BLE001  whatever it raises is a finding
        found.add(f"the stub does not work: {found.raised('the stub', error)}")


def _model(model: type[Settings], given: Mapping[str, object], what: str, found: Findings) -> Settings | None:
    try:
        return model.model_validate(given)
    except ValidationError as error:
        reasons = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        found.add(f"what `check_connector` was given as `{what}` is refused: {reasons}")
        return None


async def _blocks(subject: Subject, found: Findings) -> None:
    for _ in range(2):
        async with watched("the stub", found, network=False), subject.app(stub=True, blocks=subject.type.blocks) as app:
            for name in subject.type.blocks:
                await calling.call(subject, app, name, found)


async def _trigger(subject: Subject, name: str, model: type[Settings], found: Findings) -> None:
    spec = _model(model, subject.given.triggers.get(name, {}), f"triggers['{name}']", found)
    if spec is None:
        return
    flow = flow_of_source(name)
    async with watched("the trigger", found, network=False), subject.app(stub=True, sources=[name]) as app:
        await asyncio.sleep(0)
        try:
            async with asyncio.timeout(subject.given.patience):
                source = app.generation.config.flows[flow].source
                assert source is not None
                await app.connector(NAME).trigger(source.settings, spec)
        except TimeoutError:
            found.add(f"the trigger of `{name}` does not return: it returns once the message has been dealt with")
        if "started" not in app.kinds(flow):
            found.add(f"the trigger of `{name}` brings no message: pass it to the flow as the source would")
