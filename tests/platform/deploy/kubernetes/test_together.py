"""Requests at once end at once."""

import asyncio

import pytest

from octo_platform.deploy.kubernetes.together import together
from octo_platform.deploy.target import Refused, Unreachable


async def answer(number):
    for _ in range(5 - number):
        await asyncio.sleep(0)
    return number


async def test_answers_are_in_order():
    assert await together(answer(number) for number in range(3)) == [0, 1, 2]


@pytest.mark.parametrize("error", [Refused, Unreachable])
async def test_when_one_fails_the_others_end_before_that_is_told(error):
    ended = []

    async def slow():
        ended.append(await answer(0))

    async def fail():
        raise error("gone")

    with pytest.raises(error, match="gone"):
        await together([slow(), fail(), slow()])
    assert ended == [0, 0]
