"""What `octo test` runs its cases on: the environment, and the configurations that the cases need."""

from __future__ import annotations

import gc
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from octo.cli.project import folder_of
from octo.config.documents import Config

if TYPE_CHECKING:
    from octo.engine.modules import Modules
    from octo.suite import Configs
    from octo.suite.coverage import Coverage


def env_file(path: Path | None) -> Mapping[str, str]:
    if path is None:
        return {}
    from octo.config.dotenv import read_dotenv
    from octo.config.report import Report

    report = Report()
    found = read_dotenv(path, report)
    if found is None:
        raise click.BadParameter(f"there is no file {str(path)!r}", param_hint="--env-file")
    report.raise_if_any()
    return found


def configurations(coverage: Coverage | None = None, modules: Modules | None = None) -> Configs:
    """The configurations of cases. modules: follows those beside them."""
    from octo.builtin import plugins
    from octo.config.load import load
    from octo.suite import Configs

    known, importable = plugins(), _Importable()

    def read(path: Path, environ: Mapping[str, str]) -> Config:
        importable.beside(path)
        if modules is not None:
            modules.follow(folder_of(path))
        config = load(path, known, environ)
        if coverage is not None:
            coverage.add(config)
        if not gc.isenabled():
            gc.enable()
        return config

    return Configs(read)


class _Importable:
    """Makes modules beside a flow file importable for `python` blocks. Two folders may have modules of one name."""

    def __init__(self) -> None:
        self._folder: Path | None = None

    def beside(self, config: Path) -> None:
        """From now on, find the modules beside this configuration, and no longer those beside the one before."""
        folder = folder_of(config)
        if folder == self._folder:
            return
        for name, module in list(sys.modules.items()):
            file = getattr(module, "__file__", None)
            if self._folder is not None and file and "." not in name and Path(file).parent == self._folder:
                del sys.modules[name]
        sys.path.insert(0, str(folder))
        self._folder = folder
