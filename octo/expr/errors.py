"""What can be wrong with an expression: one exception, and a stable code for each kind of mistake."""

from collections.abc import Callable
from typing import NamedTuple

SYNTAX = "OCTO-E101"
UNDECLARED_NAME = "OCTO-E102"
UNDECLARED_FUNCTION = "OCTO-E103"
ARGUMENT_COUNT = "OCTO-E104"
TYPE_CLASH = "OCTO-E105"
BAD_LITERAL = "OCTO-E106"
TOO_COMPLEX = "OCTO-E107"
BAD_MACRO = "OCTO-E108"
BAD_FUNCTION = "OCTO-E109"
UNSAFE = "OCTO-E110"

NO_SUCH_KEY = "OCTO-E201"
NO_SUCH_OVERLOAD = "OCTO-E202"
DIVISION_BY_ZERO = "OCTO-E203"
OVERFLOW = "OCTO-E204"
OUT_OF_BOUNDS = "OCTO-E205"
CONVERSION = "OCTO-E206"
BUDGET = "OCTO-E207"
BAD_REGEX = "OCTO-E208"
INVALID_ARGUMENT = "OCTO-E209"
NOT_JSON = "OCTO-E210"
FAILED = "OCTO-E211"


LONGEST_QUOTE = 60
LONGEST_NUMBER = 64


class ExprError(Exception):
    """An expression that cannot be built or evaluated: what is wrong, where and, when known, what to do.

    hint: a text, or a function that makes it. In a loop most errors are dropped, and nobody reads their hints.
    by: the `id` of the setting that was evaluated, for a block that has several of one text; None if the text says it.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        hint: str | Callable[[], str] = "",
        text: str = "",
        line: int = 1,
        column: int = 1,
    ) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message
        self._hint = hint
        self.text = text
        self.by: int | None = None
        self.line = line
        self.column = column

    @property
    def hint(self) -> str:
        if not isinstance(self._hint, str):
            self._hint = self._hint()
        return self._hint

    def __str__(self) -> str:
        return f"{self.message}. {self.hint}" if self.hint else self.message

    def locate(self, text: str, offset: int) -> "ExprError":
        """The same error, now placed at `offset` in the expression `text`."""
        before = text[:offset]
        self.text = text
        self.line = before.count("\n") + 1
        self.column = offset - (before.rfind("\n") + 1) + 1
        return self


def quoted(text: str, quote: Callable[[str], str] = repr) -> str:
    """The text as a message shows it: in quotes, or only its length when it is long.

    Never a part of it: secrets are masked where messages are shown, and a part of a secret would not be recognised.
    """
    return quote(text) if len(text) <= LONGEST_QUOTE else f"<{len(text)} characters>"


def number(value: int, form: str = "") -> str:
    """The number as a message shows it. One of a message can have thousands of digits, which take long to write."""
    return format(value, form) if value.bit_length() <= LONGEST_NUMBER else f"a number of {value.bit_length()} bits"


class ErrorInfo(NamedTuple):
    """The page of the manual about one error code."""

    code: str
    title: str
    explanation: str


def _info(code: str, title: str, meaning: str, wrong: str, right: str) -> ErrorInfo:
    return ErrorInfo(code, title, f"{meaning}\n\n  wrong: {wrong}\n  right: {right}")


ERRORS: dict[str, ErrorInfo] = {
    info.code: info
    for info in (
        _info(
            SYNTAX,
            "syntax error",
            "The text is not a CEL expression: something is missing, or is in the wrong place.",
            "body.name +",
            'body.name + "!"',
        ),
        _info(
            UNDECLARED_NAME,
            "undeclared name",
            "The expression uses a name that does not exist here. Text needs quotes.",
            "boody.name",
            "body.name",
        ),
        _info(
            UNDECLARED_FUNCTION,
            "undeclared function",
            "No function of that name exists, or it is called as `f(x)` where `x.f()` is meant, or the reverse.",
            "body.name.upper()",
            "body.name.upperAscii()",
        ),
        _info(
            ARGUMENT_COUNT,
            "wrong number of arguments",
            "The function exists, but takes fewer or more arguments.",
            'body.name.replace("a")',
            'body.name.replace("a", "b")',
        ),
        _info(
            TYPE_CLASH,
            "types do not fit",
            "The types are known before anything runs, and the operator or function does not take them. "
            "Convert one side with string(), int() or double().",
            '"total: " + 1',
            '"total: " + string(1)',
        ),
        _info(
            BAD_LITERAL,
            "bad literal",
            "A number is out of range, an escape in a string is unknown, or a pattern is not a regular expression.",
            "9223372036854775808",
            "9223372036854775807",
        ),
        _info(
            TOO_COMPLEX,
            "expression too complex",
            "The text is longer than 64 KiB or nested deeper than 250 levels. Split it: set a variable first.",
            "((((...))))",
            "vars.subtotal + vars.tax",
        ),
        _info(
            BAD_MACRO,
            "macro used wrongly",
            "A macro such as map, filter or has needs a plain name or a field selection as its argument.",
            "body.items.map(1, 2)",
            "body.items.map(item, item.price)",
        ),
        _info(
            BAD_FUNCTION,
            "function cannot be used",
            "A function of an installed package cannot be imported, lacks annotations that CEL knows, or has the name "
            "of a function that exists already. Its author must change it.",
            "def sign(text): ...",
            "def sign(text: str) -> str: ...",
        ),
        _info(
            UNSAFE,
            "no safe place for a value",
            "A span of a markup template stands where no escaping keeps its value from becoming code: in a style "
            "sheet, in an event attribute such as `onclick`, between the attributes of a tag, or in an attribute "
            "without quotes. Move it, or write `raw(...)` around a value that nobody else can choose.",
            "<p class={{ body.kind }}>",
            '<p class="{{ body.kind }}">',
        ),
        _info(
            NO_SUCH_KEY,
            "no such key",
            "The map does not hold the key. Test with has(), or give a default with `?.` and orValue().",
            "body.nickname",
            'has(body.nickname) ? body.nickname : "none"',
        ),
        _info(
            NO_SUCH_OVERLOAD,
            "no such overload",
            "At run time, the values have types that the operator, function or selection does not take.",
            '"count: " + body.count',
            '"count: " + string(body.count)',
        ),
        _info(
            DIVISION_BY_ZERO,
            "division by zero",
            "An integer was divided by zero.",
            "body.total / body.count",
            "body.count == 0 ? 0 : body.total / body.count",
        ),
        _info(
            OVERFLOW,
            "overflow",
            "The result is out of range. Integers have 64 bits, timestamps lie in the years 1 to 9999, and durations "
            "fit into 64 bits of nanoseconds.",
            "9223372036854775807 + 1",
            "9223372036854775807.0 + 1.0",
        ),
        _info(
            OUT_OF_BOUNDS,
            "index out of bounds",
            "The list or string is shorter than the index.",
            "body.items[10]",
            "body.items[?10].orValue(null)",
        ),
        _info(
            CONVERSION,
            "conversion failed",
            "The value cannot be converted to the type that was asked for.",
            'int("12 EUR")',
            'int("12")',
        ),
        _info(
            BUDGET,
            "evaluation too expensive",
            "The evaluation took about a second of work, or built too large a value, and was stopped: the event loop "
            "does nothing else meanwhile. Searching one list for each element of another takes as many steps as both "
            "lengths multiplied; make a map of the list first. Formats such as YAML cost more than JSON.",
            "body.orders.map(o, body.customers.filter(c, c.id == o.customer)[0].name)",
            "cel.bind(names, body.customers.transformMapEntry(i, c, {c.id: c.name}), "
            "body.orders.map(o, names[o.customer]))",
        ),
        _info(
            BAD_REGEX,
            "bad regular expression",
            "The pattern is not valid in RE2 syntax (no look-around, no back references).",
            'body.name.matches("(")',
            'body.name.matches("[(]")',
        ),
        _info(
            INVALID_ARGUMENT,
            "invalid argument",
            "The argument has the right type, but the function cannot work with its value.",
            '"abc".substring(3, 1)',
            '"abc".substring(1, 3)',
        ),
        _info(
            NOT_JSON,
            "not a JSON value",
            "The result has no JSON form: a type, or a number that is not finite.",
            "type(body)",
            "string(type(body))",
        ),
        _info(
            FAILED,
            "evaluation failed",
            "The evaluation failed for a reason that has no code of its own.",
            "",
            "",
        ),
    )
}
