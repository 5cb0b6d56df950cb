"""The official evaluator, in a child process that may die. The child needs only this folder of Octo."""

from __future__ import annotations

import json
import select
import subprocess
import sys
from typing import Any

from bench.fuzz.grammar import VARIABLES
from bench.fuzz.outcome import Case, Outcome, written
from bench.machine import environment

PATIENCE = 30.0
"""Seconds that a batch may take in the child, at most."""

EXTENSIONS = ("bindings", "encoders", "math", "optional", "strings", "lists", "sets", "two-var-comprehensions", "regex")


class Oracle:
    """Asks the child, and starts another one when it has died."""

    def __init__(self, python: str) -> None:
        self.command = [python, "-m", "bench.fuzz.oracle"]
        self.deaths: list[Case] = []
        self.process = self._start()

    def _start(self) -> subprocess.Popen[str]:
        pipe = subprocess.PIPE
        return subprocess.Popen(
            self.command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True, env=environment()
        )

    def ask(self, cases: list[Case]) -> list[Outcome]:
        """The outcomes of the official evaluator. A batch that kills the child is halved to find the expression."""
        answer = self._try(cases)
        if answer is not None:
            return answer
        if len(cases) == 1:
            self.deaths.append(cases[0])
            return [Outcome("died", "")]
        middle = len(cases) // 2
        return self.ask(cases[:middle]) + self.ask(cases[middle:])

    def _try(self, cases: list[Case]) -> list[Outcome] | None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            self.process.stdin.write(json.dumps(cases) + "\n")
            self.process.stdin.flush()
            ready, _, _ = select.select([self.process.stdout], [], [], PATIENCE)
            line = self.process.stdout.readline() if ready else ""
            if line:
                return [Outcome(*each) for each in json.loads(line)]
        except BrokenPipeError:
            pass
        self.close()
        self.process = self._start()
        return None

    def close(self) -> None:
        self.process.kill()
        self.process.wait()


def serve() -> None:
    """The child: reads batches of expressions as JSON lines, answers with outcomes."""
    from cel_expr_python import cel

    yaml = "name: fuzz\nextensions:\n" + "".join(f"- name: {name}\n" for name in EXTENSIONS)
    types = {"LIST": cel.Type.LIST, "MAP": cel.Type.MAP}
    variables = {name: types.get(kind) or getattr(cel.Type, kind) for name, kind in VARIABLES.items()}
    env = cel.NewEnv(config=cel.NewEnvConfigFromYaml(yaml), variables=variables)
    for line in sys.stdin:
        print(json.dumps([_outcome(env, Case(*each)) for each in json.loads(line)]), flush=True)


def _outcome(env: Any, case: Case) -> Outcome:
    outcome = _evaluated(env, case)
    if outcome.word != "unspeakable":
        return outcome
    # The binding cannot convert an optional. As an optional element it gives a list of one, or an empty one.
    inside = _evaluated(env, Case(f"[?{case.text}]", checked=False, data=case.data))
    return Outcome("value", {"optional": inside.content}) if inside.word == "value" else outcome


def _evaluated(env: Any, case: Case) -> Outcome:
    try:
        program = env.compile(case.text, disable_check=not case.checked)
    except (RuntimeError, ValueError) as error:
        return Outcome("refused", str(error)[:400])
    try:
        value = program.eval(data=case.data)
        kind = value.type().name()
        if kind == "ERROR":
            return Outcome("error", str(value.value())[:300])
        content = written(value.plain_value())
        return Outcome("value", {"uint": content["int"]} if kind == "UINT" else content)
    except (TypeError, SystemError, OverflowError, ValueError) as error:
        return Outcome("unspeakable", str(error)[:200])
    except RuntimeError as error:
        return Outcome("error", str(error)[:300])


if __name__ == "__main__":
    serve()
