"""What people may say of a deployment, and what must be there before it begins."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from octo_platform.deployments.settings import Settings, SettingsChange, check_complete, port_of, secrets_needed
from octo_platform.problem import Problem

FACTS = {
    "secrets": [{"name": "bank", "variable": "TOKEN"}, {"name": "extra", "variable": "EXTRA"}],
    "variables": [
        {"name": "TOKEN", "required": True, "given": False},
        {"name": "EXTRA", "required": False, "given": False},
        {"name": "URL", "required": True, "given": False},
        {"name": "MODE", "required": True, "given": True},
        {"name": "HTTP_PORT", "required": True, "given": False},
    ],
}


@pytest.mark.parametrize("name", ["OCTO_SERVICES", "OCTO_X", "HTTP_PORT", "HTTP_HOST", "1A", "A-B", "", "A=B", "A\0"])
def test_names_that_the_platform_sets_or_nobody_can_set_are_refused(name):
    with pytest.raises(ValidationError):
        Settings(variables={name: "x"})


def test_what_is_complete():
    check_complete(FACTS, Settings(variables={"URL": "http://x"}), {"bank"})


@pytest.mark.parametrize(
    ("settings", "secrets", "code", "missing"),
    [
        (Settings(variables={"URL": "x"}), set(), "no-such-secret", ["bank"]),
        (Settings(variables={"URL": "x"}, secrets={"bank": "other"}), {"bank"}, "no-such-secret", ["other"]),
        (Settings(variables={"URL": "x"}, secrets={"extra": "gone"}), {"bank"}, "no-such-secret", ["gone"]),
        (Settings(), {"bank"}, "invalid", ["URL"]),
    ],
)
def test_what_is_missing_is_named(settings, secrets, code, missing):
    with pytest.raises(Problem) as caught:
        check_complete(FACTS, settings, secrets)
    assert (caught.value.code, caught.value.extra["missing"]) == (code, missing)


def test_a_change_keeps_what_it_does_not_name():
    before = Settings(replicas=3, variables={"A": "1"}, expose="shop", drain=5)
    assert SettingsChange().applied(before) == before
    assert SettingsChange(replicas=1).applied(before) == before.model_copy(update={"replicas": 1})
    assert SettingsChange.model_validate({"expose": None}).applied(before).expose is None
    assert SettingsChange(variables={}).applied(before).variables == {}


def test_secrets_may_be_called_otherwise_here():
    assert secrets_needed(FACTS, Settings(secrets={"bank": "bank-2"})) == {"bank": "bank-2", "extra": "extra"}


@pytest.mark.parametrize(
    ("listens", "port"),
    [([], None), ([{"port": 9000, "default": None}], 9000), ([{"port": "${HTTP_PORT}", "default": 8081}], 8081),
     ([{"port": "${HTTP_PORT}", "default": None}], 8080)],
)  # fmt: skip
def test_where_it_serves(listens, port):
    assert port_of({"listens": listens}) == port
