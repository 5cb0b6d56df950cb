"""From text to syntax tree, with messages for people.

Operators are reduced with an explicit stack. So a level of nesting costs two or three Python frames, and 250 levels
fit under Python's recursion limit.
"""

from typing import TypeVar

from octo.expr import guesses, macros
from octo.expr.errors import BAD_LITERAL, SYNTAX, TOO_COMPLEX, ExprError
from octo.expr.lexer import Token, tokens
from octo.expr.nodes import (
    Binary,
    Call,
    Conditional,
    Index,
    ListNode,
    Literal,
    Logic,
    MapNode,
    Name,
    Node,
    Select,
    Unary,
)
from octo.expr.values import INT_MAX, Uint

MAX_TEXT = 64 * 1024
MAX_DEPTH = 250

N = TypeVar("N", bound=Node)

_PRECEDENCE = {
    "||": 1,
    "&&": 2,
    **dict.fromkeys(("==", "!=", "<", "<=", ">", ">=", "in"), 3),
    **dict.fromkeys("+-", 4),
    **dict.fromkeys("*/%", 5),
}
_RESERVED = frozenset(
    (
        *("as", "break", "const", "continue", "else", "for", "function", "if", "import", "let", "loop"),
        *("package", "namespace", "return", "var", "void", "while"),
    )
)
_CONSTANTS = {"true": (True, "bool"), "false": (False, "bool"), "null": (None, "null")}


def parse(text: str) -> Node:
    """The syntax tree of `text`; macros are expanded."""
    if len(text) > MAX_TEXT:
        raise ExprError(
            TOO_COMPLEX,
            f"the expression has {len(text)} characters, at most {MAX_TEXT} are allowed",
            hint="Split it into several",
        ).locate(text, 0)
    try:
        return _Parser(text).parse()
    except RecursionError:
        raise _too_deep(text, 0) from None


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = tokens(text)
        self.at = 0
        self.token = self.tokens[0]
        self.level = 0
        self.primaries = {
            "name": self.name,
            ".": self.name,
            "int": self.number,
            "double": self.number,
            "uint": self.literal,
            "string": self.literal,
            "bytes": self.literal,
            "[": self.list,
            "{": self.map,
        }

    def parse(self) -> Node:
        if self.token.kind == "end":
            raise self.fail("the expression is empty", self.token)
        node = self.expression()
        if self.token.kind != "end":
            raise self.unexpected("an operator or the end of the expression")
        return node

    # -- tokens

    def advance(self) -> Token:
        token = self.token
        self.at += 1
        self.token = self.tokens[self.at]
        return token

    def accept(self, kind: str) -> bool:
        if self.token.kind == kind:
            self.advance()
            return True
        return False

    def expect(self, kind: str, opened: Token | None = None) -> Token:
        if self.token.kind != kind:
            purpose = f"{kind!r} to close {opened.value!r}" if opened else repr(kind)
            raise self.unexpected(purpose)
        return self.advance()

    # -- errors

    def fail(self, message: str, token: Token, hint: str = "") -> ExprError:
        hint = hint or guesses.of_syntax(self.text, token.start)
        return ExprError(SYNTAX, message, hint=hint).locate(self.text, token.start)

    def unexpected(self, wanted: str) -> ExprError:
        after = f" after {self.show(self.tokens[self.at - 1])}" if self.at else ""
        return self.fail(f"expected {wanted}{after}, found {self.show(self.token)}", self.token)

    def show(self, token: Token) -> str:
        if token.kind == "end":
            return "end of text"
        word = self.text[token.start : token.end]
        return f"'{word if len(word) <= 30 else word[:27] + '...'}'"

    def made(self, node: N) -> N:
        if node.depth > MAX_DEPTH:
            raise _too_deep(self.text, node.start)
        return node

    # -- grammar

    def expression(self) -> Node:
        """Parse operands joined by binary operators. A chain `a ? b : c ? d : e` is built from its end."""
        self.level += 1
        if self.level > MAX_DEPTH:
            raise _too_deep(self.text, self.token.start)
        choices: list[tuple[Node, Node]] = []
        operands = [self.operand()]
        operators: list[Token] = []
        while True:
            precedence = _PRECEDENCE.get(self.token.kind, 0)
            while operators and _PRECEDENCE[operators[-1].kind] >= precedence:
                self.reduce(operands, operators)
            if precedence:
                operators.append(self.advance())
            elif self.token.kind == "?":
                self.advance()
                choices.append((operands.pop(), self.expression()))
                if self.token.kind != ":":
                    raise self.unexpected("':' and the value for false")
                self.advance()
            else:
                break
            operands.append(self.operand())
        node = operands[0]
        for condition, then in reversed(choices):
            node = self.made(Conditional(condition, then, node))
        self.level -= 1
        return node

    def reduce(self, operands: list[Node], operators: list[Token]) -> None:
        right, left, operator = operands.pop(), operands.pop(), operators.pop()
        if operator.kind in {"&&", "||"}:
            operands.append(self.made(_join(operator.kind, left, right)))
        else:
            operands.append(self.made(Binary(left, operator.kind, right, operator.start)))

    def operand(self) -> Node:
        """Parse prefix operators, a primary, and the fields, indexes and calls that follow it."""
        prefixes: list[Token] = []
        while self.token.kind in {"!", "-"}:
            prefixes.append(self.advance())
        if prefixes and prefixes[-1].kind == "-" and self.token.kind in {"int", "double"}:
            node = self.number(prefixes.pop())
        elif self.token.kind == "(":
            opened = self.advance()
            node = self.expression()
            self.expect(")", opened)
        elif (primary := self.primaries.get(self.token.kind)) is not None:
            node = primary()
        else:
            raise self.unexpected("an expression")
        while True:
            kind = self.token.kind
            if kind == ".":
                node = self.member(node)
            elif kind == "[":
                node = self.index(node)
            else:
                break
        return self.prefixed(prefixes, node)

    def prefixed(self, prefixes: list[Token], node: Node) -> Node:
        """An operand with its prefixes. Two minus signs cancel out, so that `--x` works for the smallest int."""
        is_minus = False
        for prefix in reversed(prefixes):
            if is_minus and prefix.kind == "-":
                assert isinstance(node, Unary)
                node, is_minus = node.operand, False
            else:
                node = self.made(Unary(prefix.start, node.end, prefix.kind, node))
                is_minus = prefix.kind == "-"
        return node

    def number(self, minus: Token | None = None) -> Node:
        token = self.advance()
        value = token.value
        assert isinstance(value, (int, float))
        if minus is not None:
            return Literal(minus.start, token.end, -value, token.kind)
        if token.kind == "int" and value > INT_MAX:
            raise ExprError(
                BAD_LITERAL,
                f"the number {value} does not fit into an int of 64 bits",
                hint=f"Write {value}u for a uint or {value}.0 for a double",
            ).locate(self.text, token.start)
        return Literal(token.start, token.end, value, token.kind)

    def literal(self) -> Node:
        token = self.advance()
        value = Uint(token.value) if token.kind == "uint" else token.value  # type: ignore[call-overload]
        return Literal(token.start, token.end, value, token.kind)

    def name(self) -> Node:
        """Parse a variable, a constant or a function call, perhaps with a leading dot."""
        start = self.token.start
        absolute = self.accept(".")
        token = self.token
        if token.kind != "name":
            raise self.unexpected("a name")
        self.advance()
        word = str(token.value)
        if word in _CONSTANTS and not absolute:
            value, kind = _CONSTANTS[word]
            return Literal(token.start, token.end, value, kind)
        if word in _RESERVED:
            raise self.fail(f"'{word}' is a reserved word of CEL and cannot be a name", token)
        if self.token.kind == "(":
            arguments, end = self.arguments()
            return self.call(Call(start, end, None, word, arguments, token.start))
        if self.token.kind == "{":
            raise self.fail(f"expected an operator after '{word}', found '{{'", self.token)
        return Name(start, token.end, word, absolute)

    def member(self, operand: Node) -> Node:
        """Parse `.field`, `.?field` or `.method(...)`."""
        self.advance()
        optional = self.accept("?")
        token = self.token
        if token.kind not in {"name", "quoted"} or token.value in _CONSTANTS:
            hint = f'Write ["{token.value}"]' if token.kind in {"name", "in"} else ""
            raise self.fail(
                f"expected a field name after {'?' if optional else '.'!r}, found {self.show(token)}",
                token,
                hint,
            )
        self.advance()
        word = str(token.value)
        if self.token.kind == "(" and not optional and token.kind == "name":
            arguments, end = self.arguments()
            return self.call(Call(operand.start, end, operand, word, arguments, token.start))
        return self.made(Select(operand.start, token.end, operand, word, optional, token.kind == "quoted", token.start))

    def call(self, call: Call) -> Node:
        try:
            node = macros.expand(call) or call
            node.anchor = call.anchor
            return self.made(node)
        except ExprError as error:
            raise error if error.text else error.locate(self.text, call.anchor) from None

    def index(self, operand: Node) -> Node:
        opened = self.advance()
        optional = self.accept("?")
        key = self.expression()
        end = self.expect("]", opened).end
        return self.made(Index(operand.start, end, operand, key, optional, opened.start))

    def arguments(self) -> tuple[list[Node], int]:
        opened = self.advance()
        found: list[Node] = []
        while self.token.kind != ")":
            found.append(self.expression())
            if not self.accept(","):
                break
            if self.token.kind == ")":
                raise self.unexpected("an expression")
        return found, self.expect(")", opened).end

    def list(self) -> Node:
        opened = self.advance()
        items = []
        while self.token.kind != "]":
            optional = self.accept("?")
            items.append((self.expression(), optional))
            if not self.accept(","):
                break
        end = self.expect("]", opened).end
        return self.made(ListNode(opened.start, end, items))

    def map(self) -> Node:
        opened = self.advance()
        entries = []
        while self.token.kind != "}":
            optional = self.accept("?")
            key = self.expression()
            self.expect(":")
            entries.append((key, self.expression(), optional))
            if not self.accept(","):
                break
        end = self.expect("}", opened).end
        return self.made(MapNode(opened.start, end, entries))


def _join(operator: str, left: Node, right: Node) -> Logic:
    """One flat node for a whole chain. A chain on the left is extended in place."""
    if isinstance(left, Logic) and left.operator == operator:
        left.operands.append(right)
        left.end = right.end
        left.depth = max(left.depth, right.depth + 1)
        return left
    return Logic(operator, [left, right])


def _too_deep(text: str, offset: int) -> ExprError:
    return ExprError(
        TOO_COMPLEX,
        f"the expression is nested deeper than {MAX_DEPTH} levels",
        hint="Split it into several",
    ).locate(text, offset)
