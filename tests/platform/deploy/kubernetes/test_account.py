"""Which file says where clusters are, and in which namespace the platform is."""

from __future__ import annotations

from pathlib import Path

import pytest

from octo_platform.deploy.kubernetes import account
from octo_platform.deploy.kubernetes.account import kubeconfig, own_namespace


@pytest.fixture
def namespace(tmp_path, monkeypatch) -> Path:
    """Where a pod would find the namespace that it is in."""
    monkeypatch.setenv("HOME", "/home/ada")
    monkeypatch.setattr(account, "_ACCOUNT", tmp_path / "namespace")
    return tmp_path / "namespace"


def test_outside_of_a_cluster(namespace):
    assert kubeconfig({}) == Path("/home/ada/.kube/config")
    assert own_namespace() == "octo"


def test_inside_of_one(namespace):
    namespace.write_text("octo-system\n")

    assert kubeconfig({}) is None
    assert own_namespace() == "octo-system"


@pytest.mark.parametrize("named", ["/a", "/a:/b"])
def test_a_variable_wins(namespace, named):
    """Of several files it is the first."""
    namespace.write_text("octo")

    assert kubeconfig({"KUBECONFIG": named}) == Path("/a")
