"""The differences from release 0.1.8 of the Go implementation that a look at a configuration can find."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from octo.config.compat.answers import texts
from octo.config.compat.seen import Piece, Seen, expressions, written
from octo.config.documents import BlockDoc, Config, ConnectorDoc
from octo.core.errors import Explanation, Position, Problem
from octo.core.expressions import Expr
from octo.expr.nodes import Binary, Call, Conditional, Literal, Name, Node
from octo.expr.parser import parse


class Difference(NamedTuple):
    """What the Go implementation does there, what Octo does, and where a configuration would notice."""

    code: str
    there: str
    here: str
    find: Callable[[Seen], Iterable[Position]]


def compare(config: Config, texts: Iterable[tuple[str, bytes]]) -> list[Problem]:
    """Return the places that would notice, by place.

    texts: the names and contents of the configuration's files.
    """
    seen = Seen(config, texts)
    found = [
        Problem(each.code, at, f"in the Go implementation 0.1.8, {each.there}", f"here, {each.here}")
        for each in DIFFERENCES
        for at in each.find(seen)
    ]
    return sorted(dict.fromkeys(found), key=lambda problem: problem.at)


# --- values as written -------------------------------------------------------------------------------------------

_PLACEHOLDER = re.compile(r"(?<!\$)\$\{[A-Za-z_]\w*\}")


def _dollars(seen: Seen) -> Iterator[Position]:
    return (each.at for each in seen.values if "$${" in each.node.text)


def _outside_settings(seen: Seen) -> Iterator[Position]:
    for each in seen.values:
        is_setting = "settings" in each.path or each.path[:1] in (("env",), ("resources",))
        if not is_setting and _PLACEHOLDER.search(each.node.text):
            yield each.at


def _dotenv(seen: Seen) -> Iterator[Position]:
    return (Position(str(each)) for each in seen.config.given if each.name == ".env" and each != Path(".env"))


# --- connectors and sources --------------------------------------------------------------------------------------


def _loggers(seen: Seen) -> Iterator[Position]:
    return (each.at for each in seen.connectors("logger") if not written(each.settings, "output"))


def _dumps(seen: Seen) -> Iterator[Position]:
    for block in seen.blocks("log"):
        logger = seen.config.connectors[block.connector].settings if block.connector else None
        if getattr(block.settings, "full", False) and getattr(logger, "format", None) != "json":
            yield seen.at(block.at, "full")


def _retries(seen: Seen) -> Iterator[Position]:
    return (each.at for each in seen.connectors("http-client") if not written(each.settings, "retry"))


def _redirects(seen: Seen) -> Iterator[Position]:
    for block in seen.blocks("rest"):
        client = seen.config.connectors[block.connector].settings if block.connector else None
        is_led = getattr(client, "follow_redirects", "always") != "never"
        if is_led and getattr(block.settings, "method", "GET") in ("PUT", "PATCH", "DELETE"):
            yield seen.at(block.at, "method")


def _caches(seen: Seen) -> Iterator[Position]:
    for each in seen.connectors("http-client"):
        if getattr(getattr(each.settings, "cache", None), "enabled", False):
            yield seen.at(each.at, "cache")


def _hosts(seen: Seen) -> Iterator[Position]:
    docs: list[ConnectorDoc | BlockDoc] = [*seen.connectors("http-client"), *seen.blocks("rest")]
    for each in docs:
        headers = getattr(each.settings, "headers", None)
        if isinstance(headers, Mapping) and any(str(name).lower() == "host" for name in headers):
            yield seen.at(each.at, "headers")


def _workers(seen: Seen) -> Iterator[Position]:
    for flow in seen.config.flows.values():
        if flow.source is not None and not seen.has(flow.at, "workers"):
            yield flow.at


def _ticks(seen: Seen) -> Iterator[Position]:
    return (source.at for _, source in seen.sources("cron") if not written(source.settings, "overlap"))


def _subtrees(seen: Seen) -> Iterator[Position]:
    for _, source in seen.sources("http"):
        if re.search(r"./$|\.\.\.\}$|\{\$\}$", str(getattr(source.settings, "path", ""))):
            yield seen.at(source.at, "path")


def _correlation(seen: Seen) -> Iterator[Position]:
    if any(not written(source.settings, "correlation_id_header") for _, source in seen.sources("http")):
        yield from _nodes(seen, lambda node: isinstance(node, Name) and node.name == "correlationID")


# --- SQL ---------------------------------------------------------------------------------------------------------

_QUOTED = re.compile(r"'(?:[^']|'')*'|--[^\n]*|/\*.*?\*/", re.DOTALL)
_TRANSACTION = re.compile(r"\s*(begin|start\s+transaction|commit|end|rollback|savepoint|release)\b", re.IGNORECASE)
_MORE = re.compile(r";\s*\S")
_MOMENTS = re.compile(r"\bcreate\b.*\b(date|datetime|timestamp)\b", re.IGNORECASE | re.DOTALL)
_REFERENCES = re.compile(r"\breferences\b", re.IGNORECASE)


def _queries(seen: Seen, is_it: Callable[[str, BlockDoc], object], *, driver: str = "") -> Iterator[Position]:
    for block in seen.blocks("sql"):
        query = _QUOTED.sub("''", str(getattr(block.settings, "query", "")))
        of = seen.config.connectors[block.connector].settings if block.connector else None
        if is_it(query, block) and (not driver or getattr(of, "driver", "") == driver):
            yield seen.at(block.at, "query")


def _transactions(seen: Seen) -> Iterator[Position]:
    return _queries(seen, lambda query, _: _TRANSACTION.match(query) and not _MORE.search(query))


def _several(seen: Seen) -> Iterator[Position]:
    return _queries(seen, lambda query, block: _MORE.search(query) and not getattr(block.settings, "exec_", False))


def _moments(seen: Seen) -> Iterator[Position]:
    return _queries(seen, lambda query, _: _MOMENTS.search(query), driver="sqlite")


def _references(seen: Seen) -> Iterator[Position]:
    return _queries(seen, lambda query, _: _REFERENCES.search(query), driver="sqlite")


def _blobs(seen: Seen) -> Iterator[Position]:
    for block in seen.blocks("sql"):
        yield from (each.at or block.at for each in expressions(block.settings) if each.program.kind == "bytes")


# --- expressions -------------------------------------------------------------------------------------------------


def _nodes(seen: Seen, is_it: Callable[[Node], bool]) -> Iterator[Position]:
    return (piece.at for piece in seen.pieces() if is_it(piece.node))


def _kinds(seen: Seen) -> Iterator[Position]:
    for block in seen.blocks("set-variable", "set-payload"):
        if not getattr(block.settings, "raw_body", False):
            yield from (each.at or block.at for each in expressions(block.settings) if _is_no_json(each))


def _is_no_json(expression: Expr[Any]) -> bool:
    return expression.program.kind in ("bytes", "timestamp", "duration") or expression.text.strip() == "now"


def _paths(seen: Seen) -> Iterator[Position]:
    """Paths that are expressions, or have placeholders: there they are texts."""
    for block in seen.blocks("rest"):
        if getattr(getattr(block.settings, "path", None), "fixed", "") is None:
            yield seen.at(block.at, "path")


def _lists(seen: Seen) -> Iterator[Position]:
    for block in seen.blocks("rest"):
        for each in getattr(block.settings, "query", {}).values():
            if each.program.kind == "list":
                yield each.at or block.at


def _statuses(seen: Seen) -> Iterator[Position]:
    for block in seen.blocks("set-variable"):
        if getattr(block.settings, "name", "") == "httpStatus":
            for each in expressions(block.settings):
                yield from (Piece(each, node).at for node in _results(parse(each.text)) if _is_no_status(node))


def _results(node: Node) -> Iterator[Node]:
    if isinstance(node, Conditional):
        yield from _results(node.then)
        yield from _results(node.otherwise)
    else:
        yield node


def _is_no_status(node: Node) -> bool:
    if not isinstance(node, Literal):
        return False
    value = node.value
    return isinstance(value, str) or (isinstance(value, int | float) and not (200 <= value <= 599 and value % 1 == 0))


def _is_product(node: Node) -> bool:
    return isinstance(node, Binary) and node.operator == "*" and not _has_literal(node)


def _is_quotient(node: Node) -> bool:
    return isinstance(node, Binary) and node.operator == "/" and not isinstance(node.right, Literal)


def _has_literal(node: Binary) -> bool:
    return isinstance(node.left, Literal) or isinstance(node.right, Literal)


def _is_type(node: Node) -> bool:
    return isinstance(node, Call) and node.target is None and node.name == "type"


# --- the table ---------------------------------------------------------------------------------------------------

DIFFERENCES = (
    Difference("OCTO-C201", "`$${NAME}` is `$` and the value", "it is the text `${NAME}`", _dollars),
    Difference(
        "OCTO-C202",
        "`${NAME}` outside of `settings` is a text",
        "it is replaced everywhere",
        _outside_settings,
    ),
    Difference(
        "OCTO-C203",
        "only the `.env` of the working directory is read",
        "also the one beside the configuration, which wins",
        _dotenv,
    ),
    Difference(
        "OCTO-C204",
        "an answer of `rest` that is not JSON is a text",
        "it is raw content: `body.rawData` is the text",
        texts,
    ),
    Difference(
        "OCTO-C205",
        "a logger without `output` writes to standard output",
        "it writes to standard error",
        _loggers,
    ),
    Difference(
        "OCTO-C206",
        "the cache of `http-client` keeps every answer for `ttl`",
        "it keeps what the server allows, apart for each caller",
        _caches,
    ),
    Difference("OCTO-C207", "a `Host` header is ignored", "it is sent", _hosts),
    Difference(
        "OCTO-C208",
        "a flow without `workers` has one, which keeps the order of messages",
        "it has 256; write `workers: 1` where order matters",
        _workers,
    ),
    Difference(
        "OCTO-C209",
        "ticks of `cron` wait while the flow is busy",
        "they are skipped; `overlap: queue` lets them wait",
        _ticks,
    ),
    Difference(
        "OCTO-C210",
        "the path without its last slash is answered with 307",
        "it is answered with 308",
        _subtrees,
    ),
    Difference(
        "OCTO-C211",
        "`correlationID` is empty without `correlationIdHeader`",
        'it is the `X-Correlation-Id` of the request, or a new one; `correlationIdHeader: ""` switches it off',
        _correlation,
    ),
    Difference(
        "OCTO-C212",
        "a transaction may last over several `sql` blocks",
        "each block is one transaction: write all statements into one block with `exec: true`",
        _transactions,
    ),
    Difference(
        "OCTO-C213",
        "`sql` runs several statements and returns the rows of one",
        "several statements need `exec: true`",
        _several,
    ),
    Difference(
        "OCTO-C214",
        "dates and times of SQLite become RFC 3339 texts",
        "they are the texts that are stored",
        _moments,
    ),
    Difference("OCTO-C215", "SQLite does not enforce foreign keys", "it does", _references),
    Difference("OCTO-C216", "bytes as an argument of `sql` are base64", "they are a blob", _blobs),
    Difference(
        "OCTO-C217",
        "bytes, timestamps and durations become texts at the end of each block",
        "they stay what they are until they leave the flow; `string(...)` and `base64.encode(...)` make texts",
        _kinds,
    ),
    Difference(
        "OCTO-C218",
        "`vars.httpStatus` that is no whole number from 100 to 599 means 200",
        "a text counts, and what is not from 200 to 599 is 500",
        _statuses,
    ),
    Difference(
        "OCTO-C219",
        "a product beyond 64 bits becomes a double",
        "it is an error if both are whole; `double(a) * b` is one on purpose",
        lambda seen: _nodes(seen, _is_product),
    ),
    Difference(
        "OCTO-C220",
        "a number of a message divided by zero is infinite",
        "it is an error if both are whole",
        lambda seen: _nodes(seen, _is_quotient),
    ),
    Difference(
        "OCTO-C221",
        "every number of a message is a double",
        "a whole one is an int",
        lambda seen: _nodes(seen, _is_type),
    ),
    Difference(
        "OCTO-C222",
        "`path` of `rest` is always a text",
        "one with `{...}` or quotes, or like `vars.path`, has expressions; a text begins with `/`, and has `%7B`",
        _paths,
    ),
    Difference(
        "OCTO-C223",
        "a list under `query` of `rest` is one parameter, as JSON",
        "it is the parameter once for each item; `toJson(...)` makes one",
        _lists,
    ),
    Difference(
        "OCTO-C224",
        "`full: true` writes maps into text lines as `map[a:1]`",
        "they are JSON",
        _dumps,
    ),
    Difference(
        "OCTO-C225",
        "PUT, PATCH and DELETE become GET after a redirect of 301 or 302",
        "they stay what they are",
        _redirects,
    ),
    Difference(
        "OCTO-C226",
        "`http-client` sends each request once",
        "requests that may be repeated are, after a broken connection, 429, 502, 503 and 504; "
        "`retry: {maxAttempts: 1}` never repeats",
        _retries,
    ),
)
"""In the order of docs/differences.md: a test compares them."""

EXPLANATIONS = {
    each.code: Explanation(
        "Differs from the Go implementation",
        f"Told by `octo check --compat`, for files written for release 0.1.8. There, {each.there}. Here, {each.here}.",
    )
    for each in DIFFERENCES
}
