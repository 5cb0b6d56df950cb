"""octo new writes a project that passes the check and its tests, says how to go on, and overwrites nothing."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from octo.builtin import plugins
from octo.cli.new import TEMPLATES
from octo.config.load import load

FILES = [
    ".env",
    ".gitignore",
    ".vscode/extensions.json",
    ".vscode/settings.json",
    "flow.yaml",
    "flow_test.yaml",
    "octo.schema.json",
    "octo_test.schema.json",
]


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HTTP_PORT", raising=False)
    monkeypatch.setattr("shutil.which", lambda name: f"/bin/{name}")
    return tmp_path


def next_lines(printed: str) -> list[str]:
    return [line.strip() for line in printed.partition("Next:")[2].splitlines() if line.strip()]


@pytest.mark.parametrize("template", TEMPLATES)
def test_what_it_writes_passes_check_and_test(cli, template):
    made = cli("new", "first", "--template", template)

    assert made.exit_code == 0, made.output
    assert sorted(str(each.relative_to("first")) for each in Path("first").rglob("*") if each.is_file()) == FILES
    checked, tested = cli("check", "first"), cli("test", "first")
    assert (checked.exit_code, checked.stderr) == (0, "")
    assert (tested.exit_code, tested.stderr) == (0, "")
    assert "0 failed" in tested.stdout


@pytest.mark.parametrize("template", TEMPLATES)
def test_editors_find_no_mistake_in_it(cli, template):
    """Each file names the schema that it fits; so do the settings, for files to come."""
    cli("new", "first", "--template", template)

    for file, schema in (("flow.yaml", "octo.schema.json"), ("flow_test.yaml", "octo_test.schema.json")):
        text = Path("first", file).read_text()
        assert text.startswith(f"# yaml-language-server: $schema=./{schema}\n")
        given = json.loads(json.dumps(yaml.safe_load(text), default=lambda time: f"{time:%Y-%m-%dT%H:%M:%SZ}"))
        jsonschema.validate(given, json.loads(Path("first", schema).read_text()))
    assert json.loads(Path("first/.vscode/settings.json").read_text())["yaml.schemas"] == {
        "./octo.schema.json": ["*.yaml", "!*_test.yaml"],
        "./octo_test.schema.json": ["*_test.yaml"],
    }


@pytest.mark.parametrize(
    ("template", "lines"),
    [
        ("http", ["octo run --watch 'my shop'", "curl localhost:8080/hello/Ada", "octo test 'my shop'"]),
        ("cron", ["octo run --watch 'my shop'", "octo invoke 'my shop' tick", "octo test 'my shop'"]),
        (
            "queue",
            [
                "octo run --watch 'my shop'",
                'curl localhost:8080/jobs -d \'{"name": "Ada"}\'',
                "octo test 'my shop'",
            ],
        ),
        ("call", ["octo invoke 'my shop' greet --data '{\"name\": \"Ada\"}'", "octo test 'my shop'"]),
    ],
)
def test_next_names_the_real_folder(cli, template, lines):
    assert next_lines(cli("new", "my shop", "--template", template).stdout) == lines


def test_next_in_the_folder_one_stands_in(cli):
    assert next_lines(cli("new", ".").stdout)[::2] == ["octo run --watch", "octo test"]


def test_next_names_the_port_that_the_environment_sets(cli, monkeypatch):
    monkeypatch.setenv("HTTP_PORT", "9000")

    assert "curl localhost:9000/hello/Ada" in next_lines(cli("new", "a").stdout)


@pytest.mark.parametrize(
    ("prefix", "found", "octo"),
    [
        (
            "/home/a/.cache/uv/archive-v0/6JPkiG",
            "/home/a/.cache/uv/archive-v0/6JPkiG/bin/octo",
            "uvx --from octo-flows octo",
        ),
        ("/home/a/venv", None, "'/home/a/my venv/bin/python' -m octo"),
        ("/home/a/venv", "/home/a/venv/bin/octo", "octo"),
    ],
)
def test_next_calls_octo_as_it_was_called(cli, monkeypatch, prefix, found, octo):
    monkeypatch.setattr("sys.prefix", prefix)
    monkeypatch.setattr("sys.executable", "/home/a/my venv/bin/python")
    monkeypatch.setattr("shutil.which", lambda _: found)

    assert next_lines(cli("new", "a").stdout) == [
        f"{octo} run --watch a", "curl localhost:8080/hello/Ada", f"{octo} test a",
    ]  # fmt: skip


def test_next_beside_other_files_names_the_file(cli, here):
    """Together with them it would be one configuration."""
    (here / "compose.yaml").write_text("services: {}")

    assert next_lines(cli("new", ".").stdout)[::2] == ["octo run --watch flow.yaml", "octo test flow.yaml"]
    assert "octo run --watch flow.yaml\n" in (here / "flow.yaml").read_text()
    assert cli("test", "flow.yaml").exit_code == 0


@pytest.mark.parametrize("name", ["shop", "a: b", "123", "yes", "${X}", "häß", "it's"])
def test_the_folder_gives_the_service_its_name(cli, name):
    cli("new", f"in/{name}")

    assert load(Path("in", name), plugins(), {}).name == name


def test_it_overwrites_nothing(cli, here):
    (here / "flow.yaml").write_text("mine")

    result = cli("new", ".")

    assert (result.exit_code, (here / "flow.yaml").read_text()) == (2, "mine")
    assert result.stderr == "flow.yaml is there already; nothing was written. Try: octo run\n"
    assert [each.name for each in here.iterdir()] == ["flow.yaml"]


def test_nobody_else_may_read_the_variables(cli):
    """They will be secret, and `octo doctor` would warn of it."""
    cli("new", "shop")

    assert Path("shop/.env").stat().st_mode & 0o777 == 0o600
    assert "warn  .env" not in cli("doctor", "shop").stdout


def test_what_is_there_is_kept(cli, here):
    (here / ".gitignore").write_text("/.octo/\n")

    result = cli("new", ".")

    assert "kept .gitignore; add to it: .env octo-store/\n" in result.stdout
    assert (here / ".gitignore").read_text() == "/.octo/\n"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "name the folder: octo new shop, or `octo new .` for this one"),
        ([""], "name the folder: octo new shop, or `octo new .` for this one"),
        (["orders.yaml"], "octo new makes a folder: octo new orders"),
        (["taken"], "taken is a file; name a folder"),
        (["a", "--template", "htp"], "'htp' is not one of 'http', 'cron', 'call', 'queue'"),
    ],
)
def test_what_it_refuses(cli, here, arguments, says):
    (here / "taken").touch()

    result = cli("new", *arguments)

    assert result.exit_code == 2
    assert says in result.stderr


def test_help_lists_the_templates(cli):
    shown = cli("new", "--help").stdout

    assert all(f"{name:<5} {each.about}\n" in shown for name, each in TEMPLATES.items())
