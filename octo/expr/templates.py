"""The templates of a configuration, compiled for the names of each place of use, and how they are rendered.

A template spends from the budget of the expression that renders it, and what it renders is bounded.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from octo.expr import limits, markup
from octo.expr.environment import environment
from octo.expr.errors import BUDGET, INVALID_ARGUMENT, UNDECLARED_NAME, ExprError, quoted
from octo.expr.generate import generate
from octo.expr.lacking import filled
from octo.expr.nearest import nearest
from octo.expr.nodes import called
from octo.expr.parser import parse
from octo.expr.program import link
from octo.expr.scope import Scope
from octo.expr.template import Span, Template

MOST_NESTED: Final = 8
"""A template may render another one, and so on, at most so deep."""
_SPAN_COST: Final = 8


class Broken(limits.Exhausted):
    """A template that failed. Like an exhausted budget, no `||` may absorb it: what it spent would not be counted."""

    def __init__(self, error: ExprError) -> None:
        super().__init__(error.message)
        self.error = error

    def explain(self) -> ExprError:
        return ExprError(self.error.code, self.error.message, hint=self.error.hint)


class Rendered:
    """A template, compiled for the names of a place of use.

    It is called with their values, what is left of the budget, and how deep templates are nested here. It returns the
    text, and what is left then.
    """

    __slots__ = ("parts", "template")

    def __init__(self, template: Template) -> None:
        self.template = template
        self.parts: list[str | tuple[Callable[..., Any], Span]] = []

    def __call__(self, *arguments: Any) -> tuple[str, int]:
        *values, space, depth = arguments
        if depth >= MOST_NESTED:
            nested = f"the template `{self.template.name}` is nested more than {MOST_NESTED} deep"
            raise Broken(ExprError(INVALID_ARGUMENT, nested, hint="It may render itself"))
        pieces: list[str] = []
        size = 0
        for part in self.parts:
            if isinstance(part, str):
                piece: str = part
            else:
                function, span = part
                try:
                    piece, space = function(*values, space, depth + 1)
                except ExprError as error:
                    raise Broken(_told(self.template.place(error, span), self.template.name)) from None
            pieces.append(piece)
            size += len(piece)
            space -= _SPAN_COST
            if size > limits.MAX_SIZE or space < 0:
                raise _too_much(size, self.template.name)
        return "".join(pieces), space - size // 16


def _too_much(size: int, name: str) -> limits.Exhausted:
    if size <= limits.MAX_SIZE:
        return limits.Exhausted()
    message = f"`{name}` renders more than {limits.MAX_SIZE:,} characters"
    return Broken(ExprError(BUDGET, message))


def _told(error: ExprError, name: str) -> ExprError:
    """The error with its place in its words: the expression that renders the template is in another file."""
    return ExprError(error.code, f"{name}:{error.line}:{error.column}: {error.message}", hint=error.hint)


class Templates:
    """The templates of a configuration, by the name that flows use. Two with the same content are equal."""

    def __init__(self, templates: Mapping[str, Template]) -> None:
        self.templates = templates
        self._key = tuple((name, each.name, each.text, each.escape) for name, each in templates.items())
        self._made: dict[tuple[str, tuple[str, ...], bool, bool], Rendered] = {}
        self.lacking: dict[str, dict[str, int]] = {}
        """For each template the names that some place of use lacks, and where in it they are used first."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Templates) and other._key == self._key

    def __hash__(self) -> int:
        return hash(self._key)

    def find(self, name: str) -> Template:
        """Raises ExprError if there is no such template."""
        found = self.templates.get(name)
        if found is not None:
            return found
        close = nearest(name, list(self.templates))
        declared = ", ".join(f"`{each}`" for each in list(self.templates)[:8]) or "none"
        hint = f"Did you mean `{close}`?" if close else "List its file under `resources: {templates: [...]}`"
        raise ExprError(INVALID_ARGUMENT, f"no template is called {quoted(name)}; declared: {declared}", hint=hint)

    def rendered(self, name: str, names: tuple[str, ...], outer: Scope, in_markup: bool = False) -> Callable[..., Any]:
        """The template for a place where these names are known. in_markup: whether the result becomes markup.

        Raises ExprError if there is none.
        """
        template = self.find(name)
        as_markup = template.is_markup or (in_markup and template.is_open)
        made = self._compiled(name, template, names, as_markup, outer)
        return made if as_markup or not in_markup else _escaping(made)

    def _compiled(
        self, name: str, template: Template, names: tuple[str, ...], as_markup: bool, outer: Scope
    ) -> Rendered:
        key = (name, names, as_markup, bool(outer.constants))
        if key in self._made:
            return self._made[key]
        # It is there before it is compiled: it may render itself.
        made = self._made[key] = Rendered(template)
        scope = Scope(
            parameters=(*(f"p_{each}" for each in names), "space", "depth"),
            variables={each: f"p_{each}" for each in names},
            constants=outer.constants,
            functions=(*(each for each in outer.functions if each not in markup.FUNCTIONS), *markup.FUNCTIONS),
            templates=self,
        )
        try:
            made.parts = [
                part if isinstance(part, str) else (self._span(name, template, part, scope), part)
                for part in template.parts(as_markup)
            ]
        except BaseException:
            del self._made[key]
            raise
        return made

    def _span(self, name: str, template: Template, span: Span, scope: Scope) -> Callable[..., Any]:
        known = environment(scope)
        known.extend(called(parse(span.text)))
        tree, lacking = filled(parse(span.text), known.known, known.functions)
        for each in lacking:
            self.lacking.setdefault(name, {}).setdefault(each, span.start)
        try:
            return link(span.text, scope, generate(span.text, markup.marked(tree, span.way), known))
        except ExprError as error:
            raise _Misplaced(template.place(error, span), template) from None

    def choosing(self, names: tuple[str, ...], outer: Scope, in_markup: bool) -> Callable[..., Any]:
        """A function that renders the template whose name it gets first."""
        found = {name: self.rendered(name, names, outer, in_markup) for name in self.templates}

        def choose(name: Any, *arguments: Any) -> tuple[str, int]:
            if name.__class__ is not str:
                raise ExprError(INVALID_ARGUMENT, f"a template is named by a text, found {type(name).__name__}")
            if name not in found:
                self.find(name)
            return found[name](*arguments)  # type: ignore[no-any-return]

        return choose


class _Misplaced(ExprError):
    """A mistake in a template, for whoever renders it. Its place is in the template."""

    def __init__(self, error: ExprError, template: Template) -> None:
        told = _told(error, template.name)
        super().__init__(told.code, told.message, hint=told.hint)
        self.error = error
        self.template = template


def _escaping(made: Rendered) -> Callable[..., Any]:
    def escaped(*arguments: Any) -> tuple[str, int]:
        text, space = made(*arguments)
        return markup.text(text), space

    return escaped


def misspelt(templates: Templates, scope: Scope) -> Iterator[tuple[Template, ExprError]]:
    """Yield the names in templates that read null, but were probably meant to be a name of `scope`."""
    for name, lacking in templates.lacking.items():
        for word, at in lacking.items():
            if meant := nearest(word, list(scope.variables)):
                template = templates.templates[name]
                error = ExprError(
                    UNDECLARED_NAME, f"`{word}` is no name here and reads null", hint=f"did you mean `{meant}`?"
                )
                yield template, error.locate(template.text, at)


def check(templates: Templates, scope: Scope) -> Iterator[tuple[Template, ExprError]]:
    """Compile every template for the names of `scope`; yield what is wrong, with its place in the template."""
    for name, template in templates.templates.items():
        try:
            templates.rendered(name, tuple(scope.variables), scope)
        except _Misplaced as error:
            yield error.template, error.error
        except ExprError as error:
            yield template, error
