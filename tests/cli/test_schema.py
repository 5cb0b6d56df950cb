"""octo schema prints what editors need."""

from __future__ import annotations

import json

from octo.builtin import BLOCKS, CONNECTORS


def test_the_json_schema(cli):
    assert json.loads(cli("schema").stdout)["$schema"].startswith("https://json-schema.org/draft/2020-12")


def test_the_catalogue_lists_everything(cli):
    text = cli("schema", "--kind", "catalogue").stdout

    for name in (*BLOCKS, *CONNECTORS):
        assert f'"{name}"' in text


def test_it_writes_files(cli, tmp_path):
    cli("schema", "--out", str(tmp_path / "schema.json"))

    assert json.loads((tmp_path / "schema.json").read_text())


def test_the_schema_of_test_files(cli):
    shown = json.loads(cli("schema", "--kind", "tests").stdout)

    assert shown["title"] == "Octo test file"
    assert "cases" in shown["properties"]
