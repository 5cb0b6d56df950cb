"""Commands that run a case again by hand."""

from __future__ import annotations

import shlex
import tempfile
from collections.abc import Mapping
from pathlib import Path

from octo.core import codec
from octo.core.record import pack
from octo.core.secrets import masked
from octo.suite.case import Case
from octo.suite.choose import exactly
from octo.suite.format import given
from octo.suite.outcome import Outcome
from octo.suite.yaml import dump


class Reproduction:
    """Writes what is needed to run a case again to a folder, which is made when first needed.

    folder: None until a file was written. env_file: the file that `--env-file` named.
    """

    def __init__(self, env_file: Path | None = None) -> None:
        self.folder: Path | None = None
        self._env_file = env_file

    def of(self, outcome: Outcome) -> Outcome:
        """Return the outcome, with a command that reproduces it if it went wrong."""
        return outcome._replace(reproduce=self._command(outcome)) if outcome.is_wrong else outcome

    def _command(self, outcome: Outcome) -> str:
        case = outcome.case
        # `octo invoke` checks no contracts and has no variables file that wins over the environment of the process.
        if self._env_file or not _is_one_plain_call(case) or any(each.is_broken_contract for each in outcome.failures):
            given = ["--env-file", str(self._env_file)] if self._env_file else []
            chosen = ["-k", exactly(case.title)]
            return _joined(["octo", "test", str(case.file), "--config", str(case.config), *given, *chosen])
        environment = [f"{name}={shlex.quote(masked(value))}" for name, value in case.written_env.items()]
        invoke = ["octo", "invoke", "--config", str(case.config), "--flow", str(case.calls[0].flow)]
        invoke += ["--run-debug-config", str(self._write(case)), "--timeout", f"{case.seconds:g}s", "--envelope"]
        return " ".join([*environment, _joined(invoke)])

    def _write(self, case: Case) -> Path:
        """Write the debug configuration of a case to a file; return the path."""
        if self.folder is None:
            self.folder = Path(tempfile.mkdtemp(prefix="dolphin-"))
        call = case.calls[0]
        value = {
            "input": {**given(call.data, raw=call.raw), "vars": dict(call.vars)},
            "spies": case.spied,
            "mocks": dict(case.written_mocks),
        }
        text, ending = _text(value)
        path = self.folder / f"{case.file.stem}-{case.at.line}{ending}"
        if path.exists():  # two files of one name, from two folders
            path = path.with_stem(f"{path.stem}-{len(list(self.folder.iterdir()))}")
        path.write_text(text, encoding="utf-8")
        return path


def _text(value: Mapping[str, object]) -> tuple[str, str]:
    """The value as JSON, or as YAML if JSON has not all that is in it, and how a file of that is called."""
    if pack(value) == value:
        return codec.write_kinds(value, indent=True).decode() + "\n", ".json"
    return dump(value), ".yaml"


def _joined(words: list[str]) -> str:
    """Return the words as a command. Mask before quoting: quoting splits a secret that contains `'`."""
    return shlex.join(map(masked, words))


def _is_one_plain_call(case: Case) -> bool:
    """Whether `octo invoke` can run what the case runs."""
    plain = len(case.calls) == 1 and case.calls[0].trigger is None and not case.calls[0].after
    return plain and case.calls[0].flow is not None and not (case.stubs or case.clock or case.sources)
