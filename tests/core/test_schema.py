"""A schema in settings is written there or in a file beside the configuration; mistakes are found at their place."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path

import pytest
from pydantic import Field

from octo.config.load import load, parse
from octo.core.errors import ConfigError
from octo.core.schema import JsonSchema
from octo.core.settings import Settings

FLOW = """
flows:
  - name: f
    process:
      - {{type: validate, schema: {schema}}}
"""


class Check(Settings):
    schema_: JsonSchema = Field(alias="schema")


def test_a_mapping_is_the_schema_and_copies_share_it():
    check = Check.model_validate({"schema": {"type": "integer"}})

    assert [each.message for each in check.schema_.faults("x")] == ["must be a whole number, not a text"]
    assert check.schema_.faults(1) == []
    assert deepcopy(check).schema_ is check.schema_


def test_json_text_is_the_schema():
    check = Check.model_validate({"schema": ' {"type": "integer"}'})

    assert [each.message for each in check.schema_.faults("x")] == ["must be a whole number, not a text"]
    assert check.schema_.plain == {"type": "integer"}


def test_text_that_is_no_json_is_a_mistake(plugins):
    with pytest.raises(ConfigError, match="the text is no JSON"):
        parse(FLOW.format(schema="'{\"type\": }'"), plugins, {})


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("order.schema.json", '{"type": "object", "required": ["id"]}'),
        ("schemas/order.yaml", "type: object\nrequired: [id]"),
        ("bom.json", '\ufeff{"type": "object", "required": ["id"]}'),
    ],
)
def test_a_file_beside_the_configuration_is_read_and_watched(tmp_path: Path, plugins, name, text):
    (tmp_path / "flow.yaml").write_text(FLOW.format(schema=name))
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(text)

    config = load(tmp_path / "flow.yaml", plugins, {})

    schema = config.flows["f"].process[0].settings.schema_
    assert [each.message for each in schema.faults({})] == ['the property "id" is missing']
    assert tmp_path / name in config.watched


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("none.json", None, "cannot be read: No such file"),
        ("../x.json", None, "outside the configuration's folder"),
        ("/etc/passwd", None, "outside the configuration's folder"),
        ("folder", None, "cannot be read"),
        ("bad.json", "{", "`bad.json`: "),
        ("bad.yaml", "a: [", "`bad.yaml`: "),
        ("latin.json", b"\xe4", "`latin.json`"),
        ("latin.yaml", b"\xe4", "is not text in UTF-8"),
        (
            "wrong.json",
            '{"properties": {"a": {"type": "objekt"}}}',
            "in `wrong.json` at /properties/a/type: no JSON type",
        ),
        ("list.json", "[1]", "in `list.json`"),
    ],
)
def test_a_file_that_is_no_schema_is_reported_where_it_is_named(tmp_path: Path, plugins, name, text, said):
    (tmp_path / "flow.yaml").write_text(FLOW.format(schema=name))
    (tmp_path / "folder").mkdir()
    if text is not None:
        (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())

    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "flow.yaml", plugins, {})

    (problem,) = caught.value.problems
    assert (problem.code, problem.at.line) == ("OCTO-C161", 5)
    assert said in problem.message


def test_a_file_that_leads_out_of_the_folder_is_refused(tmp_path: Path, plugins):
    inner = tmp_path / "inner"
    inner.mkdir()
    (tmp_path / "secret.json").write_text("{}")
    (inner / "link.json").symlink_to(tmp_path / "secret.json")
    (inner / "flow.yaml").write_text(FLOW.format(schema="link.json"))

    with pytest.raises(ConfigError, match="outside the configuration's folder"):
        load(inner / "flow.yaml", plugins, {})


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ("{type: objekt}", "did you mean `object`"),
        ("{properties: {a: {minLength: -1}}}", "less than the minimum"),
        ('{pattern: "(?=x)"}', "look-around"),
        ("{$ref: 'https://example.com/x'}", "leads to no schema"),
        ("[1]", "a schema"),
        ("7", "a schema"),
    ],
)
def test_a_mistake_in_a_schema_is_found_at_its_place(plugins, schema, said):
    with pytest.raises(ConfigError) as caught:
        parse(FLOW.format(schema=schema), plugins, {})

    (problem,) = caught.value.problems
    assert (problem.code, problem.at.line) == ("OCTO-C161", 5)
    assert said in f"{problem.message} {problem.hint}"
    assert problem.at.column >= 34


def test_without_a_folder_there_are_no_files(plugins):
    with pytest.raises(ConfigError, match="there is no folder with files here"):
        parse(FLOW.format(schema="x.json"), plugins, {})
