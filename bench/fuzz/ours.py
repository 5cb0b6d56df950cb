"""Octo's evaluation in strict mode."""

from __future__ import annotations

from bench.fuzz.grammar import VARIABLES
from bench.fuzz.outcome import Case, Outcome, written
from octo.expr import ExprError, Scope
from octo.expr.environment import environment
from octo.expr.generate import generate
from octo.expr.parser import parse
from octo.expr.program import _BUILTINS, Program
from octo.expr.values import kind_of


class Ours:
    """Evaluates with two scopes, with declared kinds and without, which are built once."""

    def __init__(self) -> None:
        names = {name: f"data[{name!r}]" for name in VARIABLES}
        self.scopes = {checked: Scope(("data",), names, strict=True, checked=checked) for checked in (True, False)}
        self.environments = {checked: environment(scope) for checked, scope in self.scopes.items()}
        self.builtins = frozenset(_BUILTINS)

    def outcome(self, case: Case) -> Outcome:
        try:
            generated = generate(case.text, parse(case.text), self.environments[case.checked])
            program = Program(case.text, self.scopes[case.checked], generated)
        except ExprError as error:
            return Outcome("refused", str(error))
        try:
            value = program.function(case.data)
        except ExprError as error:
            return Outcome("unplanned" if error.code == "OCTO-E211" else "error", str(error))
        if program.kind not in {"dyn", kind_of(value)}:
            return Outcome("unplanned", f"kind {program.kind} was proven, it is {kind_of(value)}")
        try:
            return Outcome("value", written(value, top=True))
        except TypeError as error:
            return Outcome("unspeakable", str(error))
