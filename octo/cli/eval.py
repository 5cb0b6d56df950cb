"""`octo eval`: try a CEL expression on a message."""

from __future__ import annotations

import sys

import click

from octo import expr
from octo.cli import exits
from octo.cli.terminal import give, say
from octo.core import codec
from octo.core.expressions import Build
from octo.core.message import Message
from octo.expr import ExprError


@click.command("eval")
@click.argument("expression", required=False)
@click.option("--expr", "option", help="The expression, instead of the argument.")
@click.option("--data", "-d", help="Body as JSON; `@file` reads a file, `-` reads standard input.")
@click.option("--vars", "variables", help="Variables as a JSON object.")
@click.option("--env", help="Environment as a JSON object of strings.")
@click.option("--why", is_flag=True, help="Print the value of every sub-expression, and which one decided.")
@click.option("--explain-code", is_flag=True, help="Print the Python code of the expression.")
@click.option("--format", "form", type=click.Choice(["value", "json"]), default="value", show_default=True)
def command(
    expression: str | None,
    option: str | None,
    data: str | None,
    variables: str | None,
    env: str | None,
    why: bool,
    explain_code: bool,
    form: str,
) -> None:
    """Evaluate a CEL expression and print its value as JSON.

    It may use the names that an expression in a flow may use: body, vars, env, eventID, correlationID and now. Exit
    code 1 means that it failed. `--format json` prints `{"ok": ..., "result": ..., "error": ...}` and always exits
    with 0.
    """
    from octo.cli.given import read_body, read_object

    if (expression is None) == (option is None):
        raise click.UsageError("give one expression")
    text = expression if expression is not None else option
    assert text is not None
    message = Message(read_body(data), read_object(variables, "--vars"))
    names = {name: str(value) for name, value in read_object(env, "--env").items()}
    scope = Build(names).scope()
    if why:
        from octo.cli.reasons import tell

        sys.exit(tell(text, scope, [message]))
    try:
        program = expr.compile(text, scope)
        if explain_code:
            give(f"{program.source}\n".encode())
            return
        value = expr.settle(program(message))
    except ExprError as error:
        sys.exit(_failed(error, form))
    _print({"ok": True, "result": value} if form == "json" else value)


def _failed(error: ExprError, form: str) -> int:
    if form == "json":
        _print({"ok": False, "result": None, "error": str(error)})
        return exits.DONE
    say(f"{error.code}: {error.message}", fg="red", err=True)
    line = (error.text.splitlines() or [""])[error.line - 1 : error.line]
    if line:
        say(f"    {line[0]}\n    {' ' * (error.column - 1)}^", err=True)
    if error.hint:
        say(f"    {error.hint}", err=True)
    return exits.FAILED


def _print(value: object) -> None:
    give(codec.write(value) + b"\n", json=True)
