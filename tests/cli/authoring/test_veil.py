"""What no answer shows."""

from __future__ import annotations

from octo.cli.authoring import veil
from octo.core.secrets import MASKED
from octo.services.secrets import keys


def test_variables_that_are_called_like_secrets_are_masked(tmp_path):
    """In values and keys, whether flows declare them or not; numbers, paths and plain addresses stay readable."""
    (tmp_path / ".env").write_text(
        "DB_PASSWORD=correct horse\nAPI_URL=https://api.example.com/v1\nHOOK_URL=https://h.example.com/T0aB1cD2eF3gH4iJ5kL6\n"
        "PORT=808080\nKEY_FILE=/etc/keys/main\nGREETING=good morning\n"
    )
    veil.lower(tmp_path)

    assert veil.veiled("correct horse at https://api.example.com/v1") == f"{MASKED} at https://api.example.com/v1"
    assert veil.veiled({"correct horse": ["x correct horse", 1]}) == {MASKED: [f"x {MASKED}", 1]}
    assert veil.veiled("https://h.example.com/T0aB1cD2eF3gH4iJ5kL6") == MASKED
    assert veil.veiled("808080 /etc/keys/main good morning") == "808080 /etc/keys/main good morning"


def test_words_that_everybody_writes_stay(tmp_path):
    """A password of the development database is a word of flows too, and an author is no authorisation."""
    (tmp_path / ".env").write_text("DB_PASSWORD=postgres\nGIT_AUTHOR_NAME=Ada Lovelace\nMONKEY=bonobo\n")
    veil.lower(tmp_path)

    assert veil.veiled("postgres, Ada Lovelace, bonobo") == "postgres, Ada Lovelace, bonobo"


def test_files_that_hold_variables_are_named(tmp_path):
    """`.env` files, and those that a flow file declares, whatever they are called."""
    (tmp_path / ".env").write_text("A=b")
    (tmp_path / ".env.local").write_text("A=b")
    (tmp_path / "prod.txt").write_text("API_TOKEN=abcdef-123456")
    (tmp_path / "flow.yaml").write_text("resources: {env: [prod.txt, missing.txt]}\nflows: []\n")
    (tmp_path / "broken.yaml").write_text("resources: [}")

    assert veil.lower(tmp_path) == {".env", ".env.local", "prod.txt"}
    assert veil.veiled("abcdef-123456") == MASKED


def test_a_folder_without_anything(tmp_path):
    assert veil.lower(tmp_path) == set()


def test_keys_are_never_shown(tmp_path):
    """Keys of `octo secrets` and private keys, wherever they stand."""
    keys.add(tmp_path / "keys.txt", key := keys.made(__import__("datetime").date(2026, 1, 2)))
    pem = "-----BEGIN RSA PRIVATE KEY-----\nMIIB\n-----END RSA PRIVATE KEY-----"

    assert veil.veiled((tmp_path / "keys.txt").read_text()) == f"{MASKED}\n"
    assert veil.veiled(f"a {key} b") == f"a {MASKED} b"
    assert veil.veiled(f"a {pem} b") == f"a {MASKED} b"
    assert veil.veiled("-----BEGIN PRIVATE KEY-----\nMIIB") == MASKED
