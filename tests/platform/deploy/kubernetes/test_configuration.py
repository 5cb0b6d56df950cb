"""What a kubeconfig says, and what is told where it says nothing of use."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from octo_platform.deploy.kubernetes.configuration import configuration, shown
from octo_platform.deploy.target import Refused

CONFIG = """
current-context: octo
clusters: [{name: octo, cluster: {server: "https://ada:hunter2@10.0.0.1:6443"}}]
users: [{name: ada, user: {token: hunter2}}]
contexts:
  - {name: octo, context: {cluster: octo, user: ada}}
  - {name: nobody, context: {cluster: octo}}
"""


@pytest.fixture
def file(tmp_path) -> Path:
    path = tmp_path / "config"
    path.write_text(CONFIG)
    return path


def test_the_cluster_is_told_without_a_secret(file):
    assert shown(configuration(file), file) == f"the context octo of {file}, 10.0.0.1:6443"


def test_the_cluster_of_the_pod(file):
    """Its configuration has a context, which nobody has named."""
    assert shown(configuration(file), None) == "the cluster of this pod, 10.0.0.1:6443"


def test_no_file(tmp_path):
    with pytest.raises(Refused, match=f"no cluster: there is no file {tmp_path}/config"):
        configuration(tmp_path / "config")


@pytest.mark.parametrize(
    ("changed", "context", "told"),
    [
        ({}, "production", "Context 'production' not found"),
        ({}, "nobody", "names no user"),
        ({"current-context": None}, None, "No current context set"),
        ({"users": "hunter2"}, None, "cannot be used"),
    ],
)
def test_a_file_that_names_no_cluster(file, changed, context, told):
    file.write_text(json.dumps(yaml.safe_load(CONFIG) | changed))

    with pytest.raises(Refused, match=told) as refused:
        configuration(file, context)
    assert str(file) in str(refused.value)
    assert "hunter2" not in str(refused.value)


def test_a_pod_without_an_account():
    """The process is in no pod, or its pod was given none."""
    with pytest.raises(Refused, match="no cluster: the account of the pod"):
        configuration(None)
