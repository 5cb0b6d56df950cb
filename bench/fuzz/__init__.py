"""Looks for expressions on which Octo and the official evaluator of CEL disagree, and for texts that break the parser.

    python -m bench.fuzz --seconds 60 [--seed 1]     random expressions, Octo in strict mode against cel-expr-python
    python -m bench.fuzz --seconds 60 --mutate       random texts: they may raise only ExprError, or become allowed code

The official evaluator needs Python >= 3.12 (`--oracle /path/to/python3.12` names one) and runs in a child process,
which may die: it is started again, and the expression is recorded. A difference is first made as small as possible,
then compared with the named rules in `rules.py` and counted. A difference without a rule is printed.
"""
