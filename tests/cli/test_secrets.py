"""`octo secrets`: an encrypted file, and the keys that open it."""

from __future__ import annotations

import pytest


@pytest.fixture
def keyed(tmp_path, monkeypatch, cli):
    """A folder with a key file, named by the environment, and with the place of secrets chosen."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OCTO_SECRETS_KEY_FILE", "keys.txt")
    monkeypatch.setenv("OCTO_SERVICES", "memory:,secrets=encrypted:secrets.json")
    assert cli("secrets", "keygen", "keys.txt").exit_code == 0
    return tmp_path


def test_a_secret_is_set_listed_read_and_removed(cli, keyed):
    added = cli("secrets", "set", "DB_PASSWORD", input="hunter2222\n")
    replaced = cli("secrets", "set", "DB_PASSWORD", input="hunter3333\n")
    cli("secrets", "set", "A", input="x")
    listed = cli("secrets", "list")
    got = cli("secrets", "get", "DB_PASSWORD")
    removed = cli("secrets", "rm", "A")

    assert (added.stdout, replaced.stdout) == ("DB_PASSWORD: added\n", "DB_PASSWORD: replaced\n")
    key = (keyed / "keys.txt").read_text().partition(":")[0]
    assert listed.stdout == f"A  key {key}\nDB_PASSWORD  key {key}\n"
    assert got.stdout == "hunter3333"
    assert removed.stdout == "1 secret removed\n"
    assert "hunter" not in (keyed / "secrets.json").read_text()
    assert cli("secrets", "list", "--store", "secrets.json").stdout == f"DB_PASSWORD  key {key}\n"
    assert cli("secrets", "list", "--store", "encrypted:secrets.json").stdout == f"DB_PASSWORD  key {key}\n"


def test_a_pipe_that_failed_does_not_empty_a_secret(cli, keyed):
    cli("secrets", "set", "A", input="good")
    told = cli("secrets", "set", "A", input="")

    assert told.exit_code == 2
    assert "the value of A is empty: nothing came on standard input" in told.stderr
    assert cli("secrets", "get", "A").stdout == "good"


def test_a_rotation_makes_the_old_key_needless(cli, keyed):
    cli("secrets", "set", "A", input="first")
    told = cli("secrets", "keygen", "keys.txt")
    rotated = cli("secrets", "rotate")
    newest, oldest = (keyed / "keys.txt").read_text().split()
    (keyed / "keys.txt").write_text(newest)

    assert told.stdout == f"keys.txt: the newest key is {newest.partition(':')[0]}\n"
    assert rotated.stdout == f"1 secret written with the key {newest.partition(':')[0]}\n"
    assert cli("secrets", "get", "A").stdout == "first"
    (keyed / "keys.txt").write_text(oldest)
    refused = cli("secrets", "get", "A")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "OCTO-P132" in refused.stderr


def test_a_key_is_printed_if_no_file_is_named(cli):
    one, other = cli("secrets", "keygen").stdout, cli("secrets", "keygen").stdout
    assert one != other
    assert len(one.strip().partition(":")[2]) == 44


def test_who_types_a_value_is_asked_twice_and_nothing_is_echoed(cli, keyed, monkeypatch):
    monkeypatch.setattr("octo.cli.secrets.is_terminal", lambda stream: True)
    asked = cli("secrets", "set", "A", input="hunter2222\nhunter2222\n")
    assert asked.exit_code == 0
    assert "hunter2222" not in asked.stdout + asked.stderr
    hidden = cli("secrets", "get", "A")
    assert (hidden.exit_code, hidden.stdout) == (2, "")
    assert "--show" in hidden.stderr
    assert cli("secrets", "get", "A", "--show").stdout == "hunter2222"


@pytest.mark.parametrize(
    ("arguments", "code", "complaint"),
    [
        (["get", "NOBODY"], 1, "there is no secret 'NOBODY' in the encrypted file"),
        (["rm", "A", "NOBODY"], 1, "there is no secret 'NOBODY'"),
        (["rm"], 2, "Missing argument"),
        (["get", "B"], 1, "; did you mean 'A'?"),
        (["set"], 2, "Missing argument"),
        (["set", "../x"], 2, "'../x' cannot name a secret: no blank, no `/`, and no `.` at the beginning"),
        (["set", "a b"], 2, "'a b' cannot name a secret"),
        (["set", "a\nb"], 2, "'a\\nb' cannot name a secret"),
        (["set", ".x"], 2, "'.x' cannot name a secret"),
        (["list", "--store", "nowhere.json"], 1, "`octo secrets set` makes it"),
        (["rotate", "--store", "nowhere.json"], 1, "`octo secrets set` makes it"),
        (["keygen", "flow.yaml"], 1, "is no key"),
    ],
)
def test_a_wrong_call_says_what_to_do(cli, keyed, arguments, code, complaint):
    (keyed / "flow.yaml").write_text("flows: []\n")
    cli("secrets", "set", "A", input="hunter2222")
    result = cli("secrets", *arguments)
    assert result.exit_code == code
    assert complaint in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("arguments", [["A", "hunter2222"], ["A=hunter2222"]])
def test_a_value_that_is_an_argument_is_refused_and_not_repeated(cli, keyed, arguments):
    """A name with the value in it would stand in the file as it is."""
    result = cli("secrets", "set", *arguments, input="x")

    assert result.exit_code == 2
    assert "a value is no argument" in result.stderr
    assert "hunter" not in result.stderr
    assert not (keyed / "secrets.json").exists()


def test_a_value_is_no_bytes(cli, keyed):
    assert "text in UTF-8" in cli("secrets", "set", "A", input=b"\xff").stderr


def test_other_places_are_listed_and_only_read(cli, keyed, monkeypatch):
    (keyed / "mounted").mkdir()
    (keyed / "mounted" / "TOKEN").write_text("hunter2222\n")
    monkeypatch.setenv("OCTO_SERVICES", "secrets=files:mounted")
    assert cli("secrets", "list").stdout == "TOKEN\n"
    assert cli("secrets", "get", "TOKEN").stdout == "hunter2222"
    refused = cli("secrets", "set", "TOKEN", input="x")
    assert refused.exit_code == 2
    assert "the folder 'mounted' is only read here" in refused.stderr
    monkeypatch.delenv("OCTO_SERVICES")
    assert "name the file: --store FILE" in cli("secrets", "list").stderr


# --- flows -------------------------------------------------------------------------------------------------------

FLOW = """
env: [{name: TOKEN}, {name: DSN, secret: db-dsn}, {name: MODE, default: dev}]
flows:
  - name: tell
    process:
      - {type: set-payload, value: 'size(env.TOKEN) + size(env.DSN)'}
      - {type: log, message: '"the token is " + env.TOKEN'}
"""


def test_a_flow_gets_its_secrets_from_the_encrypted_file(cli, keyed):
    (keyed / "flow.yaml").write_text(FLOW)
    cli("secrets", "set", "TOKEN", input="hunter2222")
    cli("secrets", "set", "db-dsn", input="postgres://app:hunter3333@db/app")
    result = cli("invoke", "flow.yaml", "tell")
    assert (result.exit_code, result.stdout) == (0, "42\n"), result.stderr
    assert "hunter2222" not in result.stderr


def test_services_of_the_command_line_name_secrets_too(cli, keyed, monkeypatch):
    monkeypatch.delenv("OCTO_SERVICES")
    (keyed / "flow.yaml").write_text(FLOW)
    (keyed / "mounted").mkdir()
    (keyed / "mounted" / "TOKEN").write_text("hunter2222\n")
    (keyed / "mounted" / "db-dsn").write_text("x\n")
    result = cli("invoke", "flow.yaml", "tell", "--services", "secrets=files:mounted")
    assert (result.exit_code, result.stdout) == (0, "11\n"), result.stderr


def test_a_wrong_key_refuses_the_configuration_at_the_variable(cli, keyed):
    (keyed / "flow.yaml").write_text(FLOW)
    cli("secrets", "set", "TOKEN", input="hunter2222")
    (keyed / "keys.txt").unlink()
    cli("secrets", "keygen", "keys.txt")
    result = cli("check", "flow.yaml")
    assert result.exit_code == 2
    assert "flow.yaml:2:7: OCTO-P132: the variable `TOKEN` is a secret: the encrypted file" in result.stderr
    assert result.stderr.count("OCTO-P132") == 1
