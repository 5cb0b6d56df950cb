"""Random texts: the compiler must raise ExprError, or generate only allowed code, for any text."""

from __future__ import annotations

import argparse
import random
import time
from collections import Counter

from bench.fuzz.clock import running
from bench.fuzz.grammar import KINDS, expression, inputs, renamed
from bench.fuzz.ours import Ours
from bench.fuzz.outcome import Case
from octo.expr import ExprError
from octo.expr.generate import generate
from octo.expr.generate.audit import violations
from octo.expr.parser import parse
from octo.expr.program import Program

SCRAPS = [
    *("(", ")", "[", "]", "{", "}", ".", ",", ":", "?", "!", "-", "+", "'", '"', "`", "\\", "\n", "\0", "\u2028"),
    *("&&", "||", "==", ".?", "[?", "r'", "b'", "'''", "0x", "1e999", "9" * 30, "u", "in", "null", "true", "//", "é"),
    *("has(", ".map(i,", ".all(", "cel.bind(x,", ".?k", "__class__", "_failure", "budget", "\ud800", "\\u12", "\\777"),
    *("optional.of(", ".optMap(x,", "dyn(", "(" * 60, "[" * 60, "!" * 90, ".a" * 90, "a?b:" * 60, "t_1", "error_1"),
]


def mutated(dice: random.Random, text: str) -> str:
    for _ in range(dice.randint(1, 4)):
        at, to = sorted((dice.randint(0, len(text)), dice.randint(0, len(text))))
        match dice.randint(0, 4):
            case 0:
                text = text[:at] + dice.choice(SCRAPS) + text[at:]
            case 1:
                text = text[:at] + text[min(to, at + 6) :]
            case 2:
                text = text[:at] + text[at:to] * 2 + text[to:]
            case 3:
                text = text[:at] + chr(dice.choice([dice.randint(0, 127), dice.randint(0, 0x10FFFF)])) + text[at + 1 :]
            case _:
                text = text[:at] + text[at:to][::-1] + text[to:]
    return text[:4000]


def mutate(options: argparse.Namespace) -> int:
    """Check random texts: each must become a program of allowed code, or raise ExprError."""
    ours, dice, counts = Ours(), random.Random(options.seed), Counter[str]()
    started = time.monotonic()
    while running(options, started, counts.total()):
        text = mutated(dice, renamed(dice, expression(dice, dice.choice(KINDS), dice.randint(0, 4))))
        checked = dice.random() < 0.5
        problem = examine(ours, Case(text, checked, inputs(dice)), counts)
        if problem:
            counts["FAILURES"] += 1
            print(f"\nFAILURE  {text!r} checked={checked}\n  {problem}", flush=True)
    print(f"\n{counts.total():,} texts, seed {options.seed}, {time.monotonic() - started:.0f} s: {dict(counts)}")
    return 1 if counts["FAILURES"] else 0


def examine(ours: Ours, case: Case, counts: Counter[str]) -> str:
    """What is wrong with the treatment of a text; "" if it is refused or translated rightly."""
    scope = ours.scopes[case.checked]
    try:
        generated = generate(case.text, parse(case.text), ours.environments[case.checked])
        found = violations(generated, scope, ours.builtins)
        if found:
            return f"generated code has {found}"
        Program(case.text, scope, generated).function(case.data)
    except ExprError as error:
        if error.code == "OCTO-E211":
            return f"unplanned: {error} from {error.__cause__!r}"
        counts["refused" if error.code < "OCTO-E2" else "failed"] += 1
    except (RecursionError, MemoryError):
        counts["too complex"] += 1  # `octo.expr.compile` turns these into an ExprError
    except Exception as error:  # noqa: BLE001  that is what we look for
        return f"{type(error).__name__}: {error}"
    else:
        counts["evaluated"] += 1
    return ""
