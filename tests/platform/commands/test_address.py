"""How deployments are named."""

from __future__ import annotations

import click
import pytest

from octo_platform.commands.address import address, workspace_of


@pytest.mark.parametrize(
    ("text", "workspace", "environment", "means"),
    [
        ("shop/dev:orders", None, None, ("shop", "dev", "orders")),
        ("shop/dev:orders", "other", "other", ("shop", "dev", "orders")),
        ("dev:orders", "shop", None, ("shop", "dev", "orders")),
        ("orders", "shop", "dev", ("shop", "dev", "orders")),
    ],
)
def test_what_is_left_out_is_set_elsewhere(text, workspace, environment, means):
    found = address(text, workspace, environment)

    assert found == means
    assert str(found) == "shop/dev:orders"
    assert found.path == "/workspaces/shop/deployments/dev:orders"


@pytest.mark.parametrize(("text", "means"), [("shop/dev", ""), ("dev", ""), ("", ""), ("shop/dev:orders", "orders")])
def test_a_place_needs_no_deployment(text, means):
    assert address(text, "shop", "dev", deployment=False) == ("shop", "dev", means)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("dev:orders", "names no workspace: write WORKSPACE/ENVIRONMENT:NAME, or set OCTO_WORKSPACE"),
        ("shop/dev", "names no deployment"),
        ("shop/:orders", "is no address"),
        ("shop/dev:a/../b", "is no address"),
        ("shop/dev:orders?x=1", "is no address"),
        ("Shop/dev:orders", "is no address"),
        ("shop/dev:orders\n", "is no address"),
        ("x" * 300 + "!", "is no address"),
    ],
)
def test_what_is_none_is_said(text, told):
    """It becomes part of a path, so nothing else may be in it."""
    with pytest.raises(click.UsageError, match=told):
        address(text, None, None)


@pytest.mark.parametrize("text", [None, "", "a/b", "a b", ".."])
def test_a_workspace_has_a_name(text):
    with pytest.raises(click.UsageError):
        workspace_of(text)
