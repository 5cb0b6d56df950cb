"""Files that belong to a configuration."""

from __future__ import annotations

from pathlib import Path

import pytest

from octo.config.load import load
from octo.config.resources import MOST_BYTES, Files
from octo.core.errors import ConfigError


def refused(root: Path, text: str, plugins) -> list[str]:
    (root / "flow.yaml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(root / "flow.yaml", plugins, {})
    return [f"{each.at.line}:{each.at.column} {each.code} {each.message}" for each in caught.value.problems]


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a/../../x", "link/x"])
def test_a_resource_stays_in_the_folder(tmp_path: Path, plugins, name: str):
    root = tmp_path / "config"
    root.mkdir()
    (root / "link").symlink_to(tmp_path)

    assert refused(root, f"resources: {{env: [{name}], templates: [{{resource: {name}}}]}}", plugins)[0].startswith(
        "1:19 OCTO-C152 the resource"
    )


def test_a_template_must_exist(tmp_path: Path, plugins):
    assert refused(tmp_path, "resources: {templates: [{resource: gone.txt}, {as: x}]}", plugins) == [
        f"1:36 OCTO-C152 there is no file `{tmp_path / 'gone.txt'}`",
        "1:47 OCTO-C112 `resource` of a template is missing",
    ]


def test_an_env_file_need_not_exist(tmp_path: Path, plugins):
    (tmp_path / "flow.yaml").write_text("resources: {env: [gone.env]}")

    assert tmp_path / "gone.env" in load(tmp_path / "flow.yaml", plugins, {}).watched


def test_a_bad_span_is_shown_in_the_file_of_the_template(tmp_path: Path, plugins):
    """Also a call of a function that does not exist, and of a template that is not declared."""
    (tmp_path / "a.txt").write_text("one\n  {{ body. }}")
    (tmp_path / "b.html").write_text("<p>{{ nope(1) }}</p>")
    (tmp_path / "c.txt").write_text('{{ templateResource("a") }}')
    (tmp_path / "d.html").write_text("<p class={{ body }}>")
    declared = ", ".join(f"{{resource: {name}}}" for name in ("a.txt", "b.html", "c.txt", "d.html"))
    (tmp_path / "flow.yaml").write_text(f"resources: {{templates: [{declared}]}}")
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "flow.yaml", plugins, {})

    assert [
        f"{Path(each.at.file).name}:{each.at.line}:{each.at.column} {each.code}" for each in caught.value.problems
    ] == [
        "a.txt:2:11 OCTO-E101",
        "b.html:1:7 OCTO-E103",
        "c.txt:1:21 OCTO-E209",
        "d.html:1:13 OCTO-E110",
    ]


def test_a_misspelt_name_is_a_warning(tmp_path: Path, plugins):
    """It reads null. Other unknown names may be those of loops around the template."""
    (tmp_path / "a.txt").write_text("{{ item.name }}\n{{ bdy.name }}")
    (tmp_path / "flow.yaml").write_text("resources: {templates: [{resource: a.txt}]}")
    (warning,) = load(tmp_path / "flow.yaml", plugins, {}).warnings

    assert (Path(warning.at.file).name, warning.at.line, warning.code) == ("a.txt", 2, "OCTO-E102")
    assert "did you mean `body`?" in warning.hint


def test_templates_have_names_of_their_own(tmp_path: Path, plugins):
    """So a flow says which one it means."""
    (tmp_path / "a.txt").write_text("")

    assert refused(tmp_path, "resources: {templates: [{resource: a.txt}, {resource: a.txt}]}", plugins) == [
        "1:44 OCTO-C152 two templates are called `a.txt`"
    ]
    (tmp_path / "flow.yaml").write_text("resources: {templates: [{resource: a.txt}, {resource: a.txt, as: b}]}")
    assert load(tmp_path / "flow.yaml", plugins, {}).warnings == ()


@pytest.mark.parametrize(
    ("template", "why"),
    [
        ("{resource: latin.txt}", "is not text in UTF-8"),
        ("{resource: folder}", "there is no file"),
        ("{resource: latin.txt, escape: xml}", "`escape` is `html` or `none`, found `xml`"),
        ("{resource: latin.txt, ass: x}", "has no key `ass`"),
    ],
)
def test_what_is_no_template(tmp_path: Path, plugins, template: str, why: str):
    (tmp_path / "latin.txt").write_bytes(b"\xe4")
    (tmp_path / "folder").mkdir()

    assert why in " ".join(refused(tmp_path, f"resources: {{templates: [{template}]}}", plugins))


def test_a_template_is_watched(tmp_path: Path, plugins):
    (tmp_path / "a.txt").write_text("x")
    (tmp_path / "flow.yaml").write_text("resources: {templates: [{resource: a.txt, as: b}]}")

    assert tmp_path / "a.txt" in load(tmp_path / "flow.yaml", plugins, {}).watched


def test_unknown_keys(tmp_path: Path, plugins):
    assert refused(tmp_path, "resources: {envs: []}", plugins) == ["1:13 OCTO-C111 `resources` has no key `envs`"]


def test_a_text_has_nothing_beside_it(config):
    """`parse` knows no folder, so resources are only checked for their shape."""
    assert config("resources: {env: [a.env], templates: [{resource: t}]}").watched == ()


def test_files_that_settings_name_are_below_the_folder_and_of_bounded_size(tmp_path: Path):
    files = Files(tmp_path)
    (tmp_path / "a.json").write_bytes(b"{}")
    (tmp_path / "big").write_bytes(b"x" * (MOST_BYTES + 1))

    assert files.read("a.json") == b"{}"
    expected = {"../a": "outside", "none": "cannot be read", "big": "more than 4 MiB", ".": "cannot be read"}
    for name, said in expected.items():
        with pytest.raises(ValueError, match=said):
            files.read(name)
    assert files.asked == {tmp_path / "a.json", tmp_path / "none", tmp_path / "big", tmp_path}
