"""Calls of `templateResource`: a template sees what the expression around it sees, and spends from the same budget."""

from octo.expr.errors import ExprError
from octo.expr.generate import emit
from octo.expr.generate.core import Generator, Value, deeper
from octo.expr.generate.names import name as read
from octo.expr.nodes import Call, Name

NAMES = {"templateResource": False, "htmlTemplate": True}
"""The functions that render a template, and whether the result becomes a part of markup."""


def resource(g: Generator, node: Call, chosen: Value) -> Value | None:
    """The text of the template that is named by the argument; None if there are no templates here."""
    scope = g.environment.scope
    templates, in_markup = scope.templates, NAMES[node.name] or scope.markup
    if templates is None or chosen.kind not in {"dyn", "string"}:
        return None
    names = tuple(dict.fromkeys((*scope.variables, *g.locals)))
    seen = [read(g, Name(node.start, node.end, each)) for each in names]
    try:
        if isinstance(chosen.constant, str):
            render, wanted = templates.rendered(chosen.constant, names, scope, in_markup), []
        else:
            render, wanted = templates.choosing(names, scope, in_markup), [chosen.node]
    except ExprError as error:
        raise error.locate(g.text, node.arguments[0].start) from None
    g.is_pure, g.meters = False, True
    made = g.temporary()
    depth = emit.name("depth") if "depth" in scope.parameters else emit.constant(0)
    arguments = [*wanted, *[each.node for each in seen], emit.name("space"), depth]
    g.block += [
        emit.assign(made, emit.call(g.hold(render, "template"), *arguments)),
        emit.assign("space", emit.subscript(emit.name(made), emit.constant(1))),
        emit.when(emit.compare(emit.name("space"), "<", emit.constant(0)), [emit.statement(emit.call("_exhausted"))]),
    ]
    text = emit.subscript(emit.name(made), emit.constant(0))
    return Value(text, "string", True, True, deeper(chosen, *seen, by=2))
