"""What a provider says of itself is believed no further than it has to be."""

from __future__ import annotations

import pytest

from octo_platform.auth.oidc import metadata
from octo_platform.auth.oidc.signed import _number

SAID = {
    "issuer": "https://login.example.org",
    "authorization_endpoint": "https://login.example.org/authorize",
    "token_endpoint": "https://login.example.org/token",
    "jwks_uri": "https://login.example.org/keys",
}


@pytest.mark.parametrize("name", ["authorization_endpoint", "token_endpoint", "jwks_uri"])
def test_one_elsewhere_sends_us_to_nothing_on_this_machine(name):
    assert metadata.read(SAID, SAID["issuer"])
    with pytest.raises(ValueError, match=name):
        metadata.read({**SAID, name: "http://127.0.0.1:8322/data/v1"}, SAID["issuer"])
    assert metadata.read({**SAID, "userinfo_endpoint": "http://localhost/x"}, SAID["issuer"]).userinfo is None


def test_one_on_this_machine_may():
    here = {name: value.replace("https://login.example.org", "http://localhost:9") for name, value in SAID.items()}
    assert metadata.read(here, here["issuer"]).token == "http://localhost:9/token"


@pytest.mark.parametrize(
    ("value", "time"), [(10**400, None), (float("inf"), None), (True, None), ("1", None), (5, 5.0)]
)
def test_times_that_are_none(value, time):
    assert _number(value) == time
