"""What somebody may, by their roles, scopes and way."""

from __future__ import annotations

import pytest

from octo_platform.auth import policy
from octo_platform.auth.principal import EVERYWHERE, Principal


def test_no_role_no_right():
    nobody = Principal("a", "a")
    assert not any(nobody.may(action, "w") or nobody.may(action) for action in policy.POLICY)


def test_an_administrator_of_a_workspace_may_nothing_in_the_platform_or_in_another():
    ann = Principal("a", "a", {"w": "admin"})
    assert ann.may("members.write", "w")
    assert not ann.may("members.write", "v")
    assert not any(ann.may(action, place) for action in policy.PLATFORM_WIDE for place in (None, "w"))


def test_nobody_may_what_is_not_in_the_policy():
    boss = Principal("a", "a", {EVERYWHERE: "admin"})
    assert not boss.may("everything", "w")
    assert not boss.may("data.use", "w")


@pytest.mark.parametrize("action", sorted(policy.PERSONAL))
def test_no_key_may_what_is_personal_whatever_its_scopes(action):
    roles = {EVERYWHERE: "admin"}
    assert Principal("a", "a", roles).may(action, "w")
    assert not Principal("a", "a", roles, way="key").may(action, "w")
    assert not Principal("a", "a", roles, frozenset({action}), way="key").may(action, "w")


def test_the_audit_log_names_the_key():
    assert Principal("a", "a", way="key", key="k").actor == "key:a/k"
    assert Principal("a", "a").actor == "cookie:a"
