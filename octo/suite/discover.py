"""Finds test files, each with the configuration that it tests."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from octo.config import codes as config_codes
from octo.config.files import SUFFIXES, is_test, yaml_files
from octo.config.report import Report
from octo.core.errors import ConfigError, Position
from octo.suite import codes
from octo.suite.configs import Configs

_CLASHES = {config_codes.SERVICE_TWICE, config_codes.DUPLICATE_NAME}


class Target(NamedTuple):
    """A test file and the flow file or folder that it tests."""

    file: Path
    config: Path


def discover(
    paths: Iterable[Path], config: Path | None, configs: Configs, env: Mapping[str, str], report: Report
) -> list[Target]:
    """Return the test files that these folders, flow files and test files name, each once, sorted by path.

    config: what all of them test, whatever flow file stands beside them.
    """
    found: dict[Path, Target] = {}
    for path in paths:
        for target in _targets(path, configs, env, report):
            found.setdefault(target.file.resolve(), target if config is None else target._replace(config=config))
    return sorted(found.values())


def _targets(path: Path, configs: Configs, env: Mapping[str, str], report: Report) -> list[Target]:
    if path.is_dir():
        return _of_folder(path, configs, env, report)
    if not path.exists():
        file, _, case = str(path).partition("::")
        hint = "give a folder, a flow file or a test file"
        if case:
            chosen = shlex.quote(f'="{case}"')
            hint = f"a case is chosen with -k: octo test {shlex.quote(file)} -k {chosen}"
        report.error(codes.NOTHING, Position(str(path)), "no such file or folder", hint)
        return []
    if path.suffix.lower() not in SUFFIXES:
        hint = "give a folder, a flow file or a test file; they end in `.yaml` or `.yml`"
        report.error(codes.NOTHING, Position(str(path)), "this is not a flow file", hint)
        return []
    if is_test(path):
        return [Target(path, _beside(path) or path.parent)]
    companion = path.with_name(f"{path.stem}_test{path.suffix}")
    if not companion.is_file():
        message, hint = f"there is no `{companion.name}` beside it", "put its tests there"
        report.error(codes.NOTHING, Position(str(path)), message, hint)
        return []
    return [Target(companion, path)]


def _of_folder(path: Path, configs: Configs, env: Mapping[str, str], report: Report) -> list[Target]:
    files = [each for each in yaml_files(path) if is_test(each) and each.is_file()]
    if not files:
        hint = "a test file is named `NAME_test.yaml`; sub-folders are not searched"
        report.error(codes.NOTHING, Position(str(path)), "the folder contains no tests", hint)
        return []
    if _is_several(path, configs, env):
        return [Target(file, _beside(file) or path) for file in files]
    return [Target(file, path) for file in files]


def _beside(test: Path) -> Path | None:
    """The flow file that a test file is named after."""
    stem = test.stem[: -len("_test")]
    candidates = [test.with_name(f"{stem}{suffix}") for suffix in dict.fromkeys((test.suffix, *SUFFIXES))]
    return next((each for each in candidates if each.is_file()), None)


def _is_several(folder: Path, configs: Configs, env: Mapping[str, str]) -> bool:
    """Whether each file of a folder is a configuration of its own: then their names clash, as in `samples/`."""
    try:
        with configs.lent(folder, env):
            return False
    except ConfigError as error:
        return any(problem.code in _CLASHES for problem in error.problems)
