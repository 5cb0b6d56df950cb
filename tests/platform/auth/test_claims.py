"""Where a claim is found, and what counts as its values."""

from __future__ import annotations

import pytest

from octo_platform.auth.oidc.claims import given, values_at
from octo_platform.problem import Problem

ELSEWHERE = {"_claim_names": {"groups": "src1"}, "_claim_sources": {"src1": {"endpoint": "https://graph.example/x"}}}
"""What Entra ID sends in place of `groups` for somebody who is in more than 200 of them."""


@pytest.mark.parametrize(
    ("claims", "path", "values"),
    [
        ({"roles": ["a", "b"]}, "roles", ["a", "b"]),
        ({"roles": "a"}, "roles", ["a"]),
        ({"roles": "a b,c"}, "roles", ["a b,c"]),
        ({"roles": ["a", 1, None, ["b"], {"c": 1}]}, "roles", ["a"]),
        ({"roles": []}, "roles", []),
        ({"roles": {"a": 1}}, "roles", []),
        ({"roles": None}, "roles", None),
        ({}, "roles", None),
        ({"realm_access": {"roles": ["a"]}}, "realm_access.roles", ["a"]),
        ({"realm_access": {"roles": "a"}}, "realm_access.roles", ["a"]),
        ({"realm_access": {}}, "realm_access.roles", None),
        ({"realm_access": ["roles"]}, "realm_access.roles", None),
        ({"realm_access.roles": ["a"], "realm_access": {"roles": ["b"]}}, "realm_access.roles", ["a"]),
        ({"https://octo.example/roles": ["a"]}, "https://octo.example/roles", ["a"]),
        ({"https://octo.example/app": {"roles": "a"}}, "https://octo.example/app.roles", ["a"]),
        ({"resource_access": {"octo.example": {"roles": ["a"]}}}, "resource_access.octo.example.roles", ["a"]),
        ({"a": {"b": {"c": "1"}}, "a.b": {}}, "a.b.c", ["1"]),
        ({"a": {"b": "1"}}, "a.b.", None),
        ({"a": {"b": "1"}}, ".a.b", None),
    ],
)
def test_where_a_claim_is_found(claims, path, values):
    assert values_at(claims, path) == values


def test_a_claim_with_very_many_values_is_cut():
    assert len(values_at({"roles": ["a"] * 5000}, "roles")) == 1000


def test_groups_that_the_provider_keeps_elsewhere_are_not_taken_for_none():
    with pytest.raises(Problem, match="app roles") as told:
        given(ELSEWHERE, "groups")
    assert told.value.code == "sign-in-failed"
    assert "`groups`" in told.value.detail
    with pytest.raises(Problem):
        given({"_claim_names": {"app": "src1"}}, "app.roles")


@pytest.mark.parametrize("claims", [ELSEWHERE, {"_claim_names": ["groups"]}, {"_claim_names": None}, {}])
def test_a_claim_that_is_not_elsewhere_and_not_here_has_no_values(claims, caplog):
    """And the log says so: a provider that was not told to send it would look like one where nobody has a role."""
    assert given({**claims, "sub": "ann"}, "roles") == []
    assert "no such claim" in caplog.text


def test_a_claim_that_is_here_counts_whatever_else_is_elsewhere(caplog):
    assert given({**ELSEWHERE, "groups": ["a"]}, "groups") == ["a"]
    assert given({**ELSEWHERE, "roles": []}, "roles") == []
    assert caplog.text == ""
