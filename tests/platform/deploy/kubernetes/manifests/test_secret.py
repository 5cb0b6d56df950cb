"""Secrets are files that only the pod's user reads, and flows see only their own."""

from base64 import b64decode

import pytest

from octo_platform.deploy.kubernetes.manifests.secret import admin_token, secret, volumes
from octo_platform.deploy.target import Refused


def mounted(desired, cluster):
    content = secret(desired, cluster, "r")["data"]
    return {
        each["name"]: {item["path"]: b64decode(content[item["key"]]).decode() for item in each["secret"]["items"]}
        for each in volumes(desired, "r")
    }


def test_flows_see_their_secrets_and_the_process_its_own(desired, cluster):
    wanted = desired(secrets={"db-dsn": "pässword", "a@b": "x"}, data={"url": "http://d", "token": "t0ken"})

    found = mounted(wanted, cluster)

    assert found["secrets"] == {"db-dsn": "pässword", "a@b": "x"}
    assert {"admin-token": admin_token(cluster, wanted.deployment), "data-token": "t0ken"} == found["access"]


def test_without_secrets_no_folder_of_secrets_is_mounted(desired, cluster):
    """A volume that names no keys would have all of them."""
    assert {"access"} == set(mounted(desired(), cluster))
    assert "secrets=" not in b64decode(secret(desired(), cluster, "r")["data"]["services"]).decode()


def test_the_places_of_services_have_the_secrets_besides(desired, cluster):
    wanted = desired(secrets={"a": "1"}, services="postgresql://u:p@db/x")

    found = b64decode(secret(wanted, cluster, "r")["data"]["services"]).decode()

    assert found == "postgresql://u:p@db/x,secrets=files:/run/secrets/octo"


DATA = {"url": "http://d", "token": "t0ken"}


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({"data": DATA}, "platform:,journal=sqlite:/var/lib/octo/octo.db"),
        ({}, "sqlite:/var/lib/octo/octo.db"),
        ({"data": DATA, "services": "nats://n"}, "nats://n"),
        ({"data": DATA, "services": "platform:"}, "platform:"),
    ],
)
def test_pods_share_the_data_plane_unless_told_otherwise(desired, cluster, given, found):
    """What is in a pod ends with it; the journal stays there, where nobody says otherwise."""
    assert b64decode(secret(desired(**given), cluster, "r")["data"]["services"]).decode() == found


@pytest.mark.parametrize("services", ["platform:", "memory:,queues=platform:"])
def test_a_data_plane_that_cannot_be_reached_is_refused(desired, cluster, services):
    with pytest.raises(Refused, match="--data-url"):
        secret(desired(services=services), cluster, "r")


def test_files_of_secrets_are_for_their_owner(desired, cluster):
    assert {0o400} == {each["secret"]["defaultMode"] for each in volumes(desired(secrets={"a": "1"}), "r")}


def test_each_deployment_has_a_token_of_its_own(cluster):
    assert admin_token(cluster, "a") != admin_token(cluster, "b")
    assert len(admin_token(cluster, "a")) >= 16


@pytest.mark.parametrize("name", ["", ".hidden", "a/b", "a b", "a=b", "../x", "a\n"])
def test_names_that_the_runtime_does_not_know_are_refused(desired, cluster, name):
    with pytest.raises(Refused, match="no name of a secret"):
        secret(desired(secrets={name: "x"}), cluster, "r")


def test_secrets_that_do_not_fit_are_refused_without_being_shown(desired, cluster):
    with pytest.raises(Refused, match="1,000,124 bytes") as refused:
        secret(desired(secrets={"a": "x" * 1_000_000}), cluster, "r")
    assert "xx" not in str(refused.value)
