"""What a platform is told: flags, variables, a file, and files with secrets."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from octo_platform.commands.chosen import options
from octo_platform.storage.sealing import new_key

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


def test_limits_stand_in_the_file(file, tmp_path):
    file.write_text("limits: {deployments: 7}\nauditDays: 30\n")
    found = options({"folder": tmp_path}, file, {})

    assert (found.limits.deployments, found.limits.secrets, found.audit_days) == (7, 2_000, 30)
    file.write_text("limits: {pods: 7}\n")
    with pytest.raises(click.UsageError, match=r"limits.pods: there is no such option; there are integrations"):
        options({"folder": tmp_path}, file, {})
