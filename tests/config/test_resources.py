"""Files that belong to a configuration."""

from __future__ import annotations

from pathlib import Path

import pytest

from octo.config.load import load
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


def test_unknown_keys(tmp_path: Path, plugins):
    assert refused(tmp_path, "resources: {envs: []}", plugins) == ["1:13 OCTO-C111 `resources` has no key `envs`"]


def test_a_text_has_nothing_beside_it(config):
    """`parse` knows no folder, so resources are only checked for their shape."""
    assert config("resources: {env: [a.env], templates: [{resource: t}]}").watched == ()
