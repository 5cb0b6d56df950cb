"""What the chart may be told: a name that it does not know, or a value that cannot be meant, is refused by Helm."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.platform.packaging.conftest import CHART, merged

VALUES = yaml.safe_load((CHART / "values.yaml").read_text())
SCHEMA = json.loads((CHART / "values.schema.json").read_text())
TEXT = (CHART / "values.yaml").read_text()


def mappings(values: dict[str, Any], schema: dict[str, Any], place: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Places of all mappings whose names the chart knows."""
    if schema.get("additionalProperties") is False:
        yield place
        for name, value in values.items():
            if isinstance(value, dict):
                yield from mappings(value, schema["properties"][name], (*place, name))


PLACES = list(mappings(VALUES, SCHEMA))


def within(place: tuple[str, ...], value: Any) -> dict[str, Any]:
    for name in reversed(place):
        value = {name: value}
    return value


@pytest.mark.parametrize("place", PLACES, ids=".".join)
def test_each_value_has_a_default_and_a_rule(place):
    """What values.yaml shows is what the schema knows, at every depth."""
    values, schema = VALUES, SCHEMA
    for name in place:
        values, schema = values[name], schema["properties"][name]

    assert set(values) == set(schema["properties"]) - {"global"}


def test_refuses_a_name_that_it_does_not_know(run):
    """At every depth: a misspelled setting is no setting."""
    values: dict[str, Any] = {}
    for place in PLACES:
        values = merged(values, within((*place, "replica"), 3))
    done = run("template", values)

    assert done.returncode != 0
    for place in PLACES:
        assert (
            f"at '{''.join(f'/{name}' for name in place)}': additional properties 'replica' not allowed" in done.stderr
        )


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("publicUrl", "http://octo.example.com"),
        ("publicUrl", "https://octo.example.com/path"),
        ("publicUrl", "https://user@octo.example.com"),
        ("replicas", 0),
        ("replicas", "2"),
        ("image.tag", "a tag"),
        ("image.digest", "sha256:abc"),
        ("runtime.image.repository", "Registry/Octo"),
        ("environments.namespaces", ["Production"]),
        ("environments.namespaces", ["kube-system"]),
        ("environments.namespaces", ["default"]),
        ("environments.namespaces", ["a", "a"]),
        ("environments.workspaces", {"octo-staging": []}),
        ("environments.images", ["an image"]),
        ("networkPolicy.operators", ["everybody"]),
        ("database.kind", "mysql"),
        ("postgresql.user", 0),
        ("postgresql.storage.size", "many"),
        ("oidc.issuer", "http://id.example.com"),
        ("oidc.roles", {"all": "root"}),
        ("oidc.scopes", "profile"),
        ("networkPolicy.https.cidrs", ["10.0.0.1"]),
        ("networkPolicy.ingressFrom", [{}]),
        ("resources.requests", {"memory": "much"}),
        ("resources.limits", {"cpu": -1}),
        ("extraEnv", [{"name": "OCTO_PLATFORM_KEYS", "value": "x"}]),
        ("extraEnv", [{"name": "OCTO_PLATFORM_DATABASE_FILE", "value": "x"}]),
        ("ingress.annotations", {"a": 1}),
        ("progressDeadline", 1),
        ("fullnameOverride", "-x"),
    ],
)
def test_refuses_what_cannot_be_meant(run, place, value):
    """The message names the place."""
    done = run("template", within(tuple(place.split(".")), value))

    assert done.returncode != 0
    assert "/" + place.replace(".", "/") in done.stderr


def test_has_no_password(run):
    """Neither a default one, nor a place to write one: values end in histories and logs."""
    words = ("password", "secret", "token", "key", "dsn")
    texts = [
        name for name, value in flat(VALUES) if isinstance(value, str) and name.rpartition(".")[2].lower() in words
    ]

    # Names of keys within Secrets.
    assert texts == [name for name in texts if name.endswith("existingSecret.key")]


def flat(values: dict[str, Any], place: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from flat(value, f"{place}{name}.")
        else:
            yield f"{place}{name}", value
