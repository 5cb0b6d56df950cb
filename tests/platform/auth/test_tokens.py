"""What the platform gives out to be shown again later."""

from __future__ import annotations

import pytest

from octo_platform.auth import tokens


@pytest.mark.parametrize(("make", "prefix"), [(tokens.new_key, "octo_"), (tokens.new_token, "octod_")])
def test_they_have_256_bits_and_say_what_they_are(make, prefix):
    made = {make() for _ in range(100)}
    assert len(made) == 100
    assert {len(each) - len(prefix) for each in made} == {43}
    assert all(each.startswith(prefix) for each in made)


async def test_a_token_of_a_deployment_opens_nothing_of_the_platform(house):
    await house.person("boss", "admin")
    visitor = await house.visitor(Authorization=f"Bearer {tokens.new_token()}")
    assert (await visitor.get("/session")).json()["code"] == "not-signed-in"
