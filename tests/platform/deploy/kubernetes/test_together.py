"""Requests at once end at once."""

import asyncio

import pytest

from octo_platform.deploy.kubernetes.together import together
from octo_platform.deploy.target import Unreachable


async def test_answers_are_in_order():
    async def answer(number):
        for _ in range(5 - number):
            await asyncio.sleep(0)
        return number

    assert [0, 1, 2] == await together(answer(number) for number in range(3))


async def test_when_one_fails_the_others_end_before_that_is_told():
    ended = []

    async def wait():
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(1)

    async def fail():
        await asyncio.sleep(0)
        raise Unreachable("gone")

    with pytest.raises(Unreachable, match="gone"):
        await together([wait(), fail(), wait()])
    assert [1, 1] == ended
