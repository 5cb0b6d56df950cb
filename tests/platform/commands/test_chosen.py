"""What a platform is told: flags, variables, a file, and files with secrets."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest
from pydantic.alias_generators import to_camel

from octo_platform.commands.chosen import options
from octo_platform.options import Oidc
from octo_platform.storage.sealing import new_key

PAGE = (Path(__file__).parents[3] / "docs" / "platform.md").read_text()

FILE = """
port: 9000
publicUrl: https://octo.example.com
targets: [local, kubernetes]
oidc:
  issuer: https://login.example.com
  clientId: octo
  rolesClaim: realm_access.roles
  roles: {octo-admins: admin, shopTeam: "shop:developer"}
"""


@pytest.fixture
def file(tmp_path) -> Path:
    path = tmp_path / "octo.yaml"
    path.write_text(FILE)
    return path


def test_flags_win_over_the_file(file, tmp_path):
    found = options({"folder": tmp_path, "port": 9001, "targets": (), "host": None}, file, {})

    assert (found.port, found.public_url) == (9001, "https://octo.example.com")
    assert found.targets == ("local", "kubernetes")
    assert found.oidc.roles == {"octo-admins": "admin", "shopTeam": "shop:developer"}


def test_secrets_come_from_variables_and_from_files(file, tmp_path):
    old, new = new_key(), new_key()
    (tmp_path / "secret").write_text("of the file\n")
    environ = {
        "OCTO_PLATFORM_KEYS": f"{new} {old}",
        "OCTO_PLATFORM_OIDC_CLIENT_SECRET_FILE": str(tmp_path / "secret"),
    }

    found = options({"folder": tmp_path}, file, environ)

    assert [each.get_secret_value() for each in found.keys] == [new, old]
    assert found.oidc.client_secret.get_secret_value() == "of the file"
    assert new not in repr(found)
    assert "of the file" not in repr(found)


def test_a_mapping_is_written_in_the_file_and_its_members_are_flags_too(tmp_path):
    """A flag takes the place of its member, and leaves the others."""
    file = tmp_path / "octo.yaml"
    file.write_text("kubernetes: {namespaces: [shop], images: ['r.test/*'], dnsAddresses: [10.0.0.10/32]}")

    written = options({"folder": tmp_path}, file, {}).kubernetes
    found = options({"folder": tmp_path, "kubernetes_namespaces": ("a", "b"), "kubernetes_images": ()}, file, {})
    alone = options({"folder": tmp_path, "kubernetes_dns_namespace": "dns"}, None, {}).kubernetes

    assert written.namespaces == ("shop",)
    assert found.kubernetes == written.model_copy(update={"namespaces": ("a", "b")})
    assert (alone.dns_namespace, alone.namespaces) == ("dns", ("octo-*",))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("prot: 1", "octo.yaml: prot: there is no such option; there are folder, database"),
        ("port: many", "octo.yaml: port: Input should be a valid integer"),
        ("oidc: {issuer: https://x}", "octo.yaml: oidc.clientId: it is missing"),
        (
            "oidc: {issuer: a, clientId: b, clientSecret: hunter2}",
            "octo.yaml: clientSecret: secrets do not belong here",
        ),
        ("kubernetes: {namespace: a}", "kubernetes.namespace: there is no such option; there are namespaces, contexts"),
        ("kubernetes: {namespaces: [Octo]}", "kubernetes.namespaces.0: it is a pattern of namespaces, such as octo-*"),
        (
            "kubernetes: {operators: [all]}",
            "kubernetes.operators.0: 'all' does not appear to be",
        ),
        ("kubernetes: octo", "kubernetes: it must be an object"),
        ("keys: [hunter2]", "octo.yaml: keys: secrets do not belong here"),
        ("- port", "octo.yaml: it must be a mapping"),
        ("port: [", "octo.yaml:"),
    ],
)
def test_a_wrong_file_is_told_with_its_place_and_without_its_secrets(tmp_path, text, told):
    file = tmp_path / "octo.yaml"
    file.write_text(text)

    with pytest.raises(click.UsageError) as error:
        options({"folder": tmp_path}, file, {})
    assert told in error.value.message
    assert "hunter2" not in error.value.message


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"insecure_local": True, "host": "0.0.0.0"}, "works only at a loopback host"),
        ({"insecure_local": True, "public_url": "https://octo.example.com"}, "works only at a loopback host"),
        ({"public_url": "octo.example.com"}, "--public-url: 'octo.example.com' is no address"),
        ({"database": "mysql://db/octo"}, "--database: the database is `sqlite:PATH` or"),
        ({"targets": ("moon",)}, "targets.0: Input should be 'local' or 'kubernetes'"),
    ],
)
def test_what_does_not_go_together_is_told(tmp_path, given, told):
    with pytest.raises(click.UsageError) as error:
        options({"folder": tmp_path, **given}, None, {})
    assert told in error.value.message


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_insecure_local_is_taken_at_a_loopback_host(tmp_path, host):
    assert options({"folder": tmp_path, "insecure_local": True, "host": host}, None, {}).insecure_local


def test_the_file_on_the_page_is_taken(tmp_path):
    text, *_ = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    (tmp_path / "octo.yaml").write_text(text)
    found = options({"folder": tmp_path}, tmp_path / "octo.yaml", {"OCTO_PLATFORM_OIDC_CLIENT_SECRET": "x"})

    assert found.oidc.roles == {"octo-admins": "admin", "shop-team": "shop:developer"}


def test_the_page_has_all_that_can_be_said_of_a_provider():
    table = PAGE.partition("| In `oidc` |")[2].partition("\n\n")[0].splitlines()[2:]
    said = [[cell.strip(" `") for cell in row.split("|")[1:3]] for row in table]
    known = {name: field for name, field in Oidc.model_fields.items() if name != "client_secret"}

    assert said == [
        [to_camel(name), "" if field.is_required() else str(field.default or "")] for name, field in known.items()
    ]


def test_limits_stand_in_the_file(file, tmp_path):
    file.write_text("limits: {deployments: 7}\nauditDays: 30\n")
    found = options({"folder": tmp_path}, file, {})

    assert (found.limits.deployments, found.limits.secrets, found.audit_days) == (7, 2_000, 30)
    file.write_text("limits: {pods: 7}\n")
    with pytest.raises(click.UsageError, match=r"limits.pods: there is no such option; there are integrations"):
        options({"folder": tmp_path}, file, {})
