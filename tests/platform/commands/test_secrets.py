"""`octo secrets` with `--workspace`: the secrets of a platform, which it never tells."""

from __future__ import annotations

import asyncio
import json

import pytest
from click.testing import CliRunner

from octo.cli import further
from octo.cli.secrets import command
from octo_platform.commands import verbs


@pytest.fixture
def secrets(home, monkeypatch):
    """Type `octo secrets`, where the package of the platform is installed."""
    monkeypatch.setattr(further, "found", lambda: (verbs,))

    async def run(*arguments, input=None):
        return await asyncio.to_thread(CliRunner().invoke, command, [*arguments], input=input, prog_name="octo secrets")

    return run


@pytest.fixture
async def shop(house, key):
    client = await house.visitor(Authorization=f"Bearer {key}")
    await client.post("/workspaces", json={"name": "shop"})
    await client.post("/workspaces/shop/environments", json={"name": "dev"})
    return client


async def test_set_list_and_remove(shop, secrets):
    none = await secrets("list", "-w", "shop", "-e", "dev")
    added = await secrets("set", "BANK", "--workspace", "shop", input="s3cr3t-value\n")
    replaced = await secrets("set", "BANK", "--workspace", "shop", input="s3cr3t-other\n")
    there = await secrets("set", "BANK", "-w", "shop", "-e", "dev", input="s3cr3t-there")
    listed = await secrets("list", "-w", "shop")
    as_json = await secrets("list", "-w", "shop", "-e", "dev", "--format", "json")
    removed = await secrets("rm", "BANK", "-w", "shop")
    again = await secrets("rm", "BANK", "-w", "shop")

    assert (added.stdout, replaced.stdout, there.stdout) == ("BANK: added\n", "BANK: replaced\n", "BANK: added\n")
    assert (none.stdout, none.stderr) == ("", "no secrets in shop/dev\n")
    assert listed.stdout.startswith("BANK  changed 2")
    assert [(each["name"], each["environment"]) for each in json.loads(as_json.stdout)] == [("BANK", "dev")]
    assert removed.stdout == "BANK: removed\n"
    assert (again.exit_code, again.stderr[:17]) == (1, "Error: not-found:")
    assert "s3cr3t" not in "".join(each.output for each in (added, replaced, there, listed, as_json, removed))


async def test_a_deployment_takes_a_new_value_at_once(shop, secrets, typed, flow):
    more = ", {name: BANK, required: true, secret: true}"
    missing = await typed("deploy", flow(more=more), "--to", "shop/dev", "--yes")
    assert "\n  octo secrets set BANK --workspace shop --environment dev\n" in missing.stderr
    await secrets("set", "BANK", "-w", "shop", input="one")
    deployed = await typed("deploy", flow(more=more), "--to", "shop/dev", "--yes")
    assert deployed.exit_code == 0, deployed.output

    told = await secrets("set", "BANK", "-w", "shop", input="two")
    used = await secrets("rm", "BANK", "-w", "shop")

    assert told.stdout == "BANK: replaced\n  taken at once by hello\n"
    assert "in-use: the deployments hello use it" in used.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["list", "--environment", "dev"], "--environment needs --workspace, which says that a platform is meant"),
        (["set", "A", "--server", "https://x"], "--server needs --workspace"),
        (["rm", "A", "--workspace", "shop", "--store", "s.json"], "name one of them"),
        (["set", "A", "value", "--workspace", "shop"], "a value is no argument"),
        (["list", "--workspace", "../x"], "is no name of a workspace"),
    ],
)
async def test_what_is_meant_must_be_certain(secrets, arguments, told):
    found = await secrets(*arguments, input="x")

    assert found.exit_code == 2
    assert told in found.stderr


async def test_a_variable_sends_no_secret_to_a_platform(secrets, monkeypatch, tmp_path):
    """`OCTO_WORKSPACE`, which other verbs take, may have been set long ago."""
    monkeypatch.setenv("OCTO_WORKSPACE", "shop")
    monkeypatch.setenv("OCTO_PLATFORM_URL", "http://127.0.0.1:1")

    found = await secrets("set", "A", "--store", str(tmp_path / "s.json"), input="x")

    assert "OCTO_SECRETS_KEYS" in found.stderr, found.output
    assert "127.0.0.1" not in found.output


async def test_without_the_package_it_says_how_to_install_it(secrets, monkeypatch):
    monkeypatch.setattr(further, "found", tuple)

    found = await secrets("list", "--workspace", "shop")

    assert found.exit_code == 2
    assert "pip install 'octo-flows[platform]'" in found.stderr
