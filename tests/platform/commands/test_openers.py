"""How environments are opened: with what the platform was told, and within what is allowed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from octo_platform.commands.openers import openers, walls
from octo_platform.deploy.target import Unreachable
from octo_platform.deploy.targets import Place
from octo_platform.options import Clusters, Options
from octo_platform.storage.birth import Birth

KUBECONFIG = {
    "current-context": "octo",
    "clusters": [{"name": "octo", "cluster": {"server": "http://127.0.0.1:1"}}],
    "users": [{"name": "ada", "user": {"token": "a"}}],
    "contexts": [{"name": "octo", "context": {"cluster": "octo", "user": "ada"}}],
}


@pytest.fixture
def opened(tmp_path, monkeypatch):
    """Open an environment of the workspace `shop`; nothing is asked of its cluster yet."""
    file = tmp_path / "kubeconfig"
    file.write_text(json.dumps(KUBECONFIG))
    monkeypatch.setenv("KUBECONFIG", str(file))

    def open_(clusters, **settings):
        options = Options(folder=tmp_path, targets=("kubernetes",), runtime_image="octo:1", kubernetes=clusters)
        place = Place("e1", "shop", "kubernetes", {"namespace": "octo-live"} | settings)
        return openers(options, Birth("1", "s" * 32))["kubernetes"](place)

    return open_


async def test_what_the_platform_was_told_of_clusters(opened):
    told = Clusters(
        images=("r.test/*",), dns_namespace="dns", dns_addresses=("10.0.0.10/32",), operators=("10.0.1.0/24",)
    )
    async with opened(told, image="r.test/a") as target:
        cluster = target._cluster
    assert (cluster.namespace, cluster.image) == ("octo-live", "r.test/a")
    assert (cluster.dns_namespace, cluster.dns_addresses) == ("dns", ("10.0.0.10/32",))
    assert cluster.operators == ("10.0.1.0/24",)


async def test_what_it_was_not_told(opened):
    """The image of the platform, and the resolver that many nodes have."""
    async with opened(Clusters()) as target:
        cluster = target._cluster
    assert (cluster.image, cluster.dns_namespace, cluster.operators) == ("octo:1", "kube-system", ())
    assert cluster.dns_addresses == ("169.254.20.10/32",)


@pytest.mark.parametrize(
    ("clusters", "settings"),
    [
        (Clusters(namespaces=("bank:octo-*",)), {}),
        (Clusters(), {"namespace": "kube-system"}),
        (Clusters(), {"image": "evil:1"}),
        (Clusters(), {"context": "octo"}),
    ],
)
async def test_what_is_not_allowed_any_more_is_not_reached(opened, clusters, settings):
    """Nothing is concluded from that, so what runs stays as it is."""
    with pytest.raises(Unreachable, match="not allowed"):
        async with opened(clusters, **settings):
            pass


def test_everything_that_the_platform_keeps_is_hidden_and_its_port_closed(tmp_path, monkeypatch):
    """Also if it was named relative to where the platform stands: deployments stand elsewhere."""
    monkeypatch.chdir(tmp_path)
    found = walls(Options(folder=Path("kept"), port=8321, database="sqlite:more/octo.db"))

    database = str(tmp_path / "more" / "octo.db")
    assert found.hides == (
        str(tmp_path / "kept"),
        database,
        f"{database}-wal",
        f"{database}-shm",
        f"{database}-journal",
    )
    assert (found.ports, found.is_required) == ((8321,), False)


def test_a_database_elsewhere_has_no_files_here(tmp_path):
    assert walls(Options(folder=tmp_path, database="postgresql://octo@db/octo")).hides == (str(tmp_path),)


@pytest.mark.parametrize(("wanted", "required"), [("required", True), ("preferred", False)])
def test_how_far_they_are_closed_in_is_an_option(tmp_path, wanted, required):
    assert walls(Options(folder=tmp_path, local_isolation=wanted)).is_required is required
    assert walls(Options(folder=tmp_path, local_isolation="off")) is None
