"""An OpenAPI document as a page for people: one file, no scripts, nothing loaded from anywhere."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any, NamedTuple

DEEPEST = 6
"""Levels of a body that are shown."""
MOST_ROWS = 200

STYLE = """
:root { color-scheme: light dark; --bg: #f4f5f7; --surface: #fff; --well: #eceef2; --line: #dadde3; --edge: #7f8695;
  --text: #15181e; --text-2: #434956; --text-3: #5a6170; --accent: #3a53d6; --accent-text: #2c43b8;
  --accent-soft: #e8ecfc; --bad: #b81f2b; --ok: #17703f }
@media (prefers-color-scheme: dark) { :root { --bg: #0d0f13; --surface: #15181e; --well: #1b1f27; --line: #282d37;
  --edge: #6e7787; --text: #e8eaef; --text-2: #b3bac6; --text-3: #949cab; --accent: #7e95ff; --accent-text: #a3b4ff;
  --accent-soft: #1d2544; --bad: #ff8389; --ok: #58c48c } }
* { box-sizing: border-box }
body { margin: 0; background: var(--bg); color: var(--text); font: 13px/20px -apple-system, "Segoe UI Variable Text",
  "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", Arial, sans-serif }
main { max-width: 960px; margin: 0 auto; padding: 24px }
code, pre { font: 12px/18px ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace;
  font-variant-ligatures: none }
h1 { margin: 0; font-size: 20px; line-height: 28px; font-weight: 600 }
h2 { margin: 16px 0 6px; font-size: 13px; font-weight: 600 }
p { margin: 0 0 8px; max-width: 68ch; color: var(--text-2) }
a { color: var(--accent-text) }
header { margin-bottom: 16px } header p { margin: 4px 0 0; color: var(--text-3) }
details { background: var(--surface); border: 1px solid var(--line); border-radius: 8px; margin: 0 0 6px }
summary { display: grid; grid-template-columns: 10px 52px minmax(0, max-content) minmax(0, 1fr); gap: 4px 12px;
  align-items: baseline; padding: 8px 14px; cursor: pointer; list-style: none; border-radius: 8px }
summary::before { content: "+"; color: var(--text-3) } details[open] > summary::before { content: "-" }
summary::-webkit-details-marker { display: none }
summary:hover { background: var(--well) }
summary:focus-visible, a:focus-visible { outline: 2px solid var(--accent); outline-offset: -1px }
summary b { font: 600 11px/18px ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace;
  color: var(--accent-text) }
summary code { font-weight: 500; color: var(--text); overflow-wrap: anywhere }
summary span { color: var(--text-3) }
details > div { border-top: 1px solid var(--line); padding: 10px 14px 14px }
details > div > h2:first-child { margin-top: 0 }
table { width: 100%; border-collapse: collapse }
td { padding: 6px 16px 6px 0; border-top: 1px solid var(--line); vertical-align: top; color: var(--text-2);
  overflow-wrap: anywhere }
tr:first-child td { border-top: 0 }
td:first-child { width: 30% } td:first-child code { color: var(--text) } td:nth-child(2) { width: 22% }
td i { font-style: normal; color: var(--bad) }
pre { margin: 0; padding: 10px 12px; background: var(--well); border-radius: 5px; white-space: pre-wrap;
  overflow-wrap: anywhere;
  color: var(--text-2) }
@media (max-width: 560px) { main { padding: 16px 12px } summary { grid-template-columns: 10px 48px minmax(0, 1fr) }
  summary span { grid-column: 3 } td { display: block; width: auto !important; padding: 0; border: 0 }
  tr { display: block; padding: 6px 0; border-top: 1px solid var(--line) } tr:first-child { border-top: 0 } }
"""
_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
POLICY = f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
"""The page loads nothing and runs nothing, whatever a description says."""


class Row(NamedTuple):
    """A property as it is shown."""

    name: str
    kind: str
    is_required: bool
    about: str


def page(document: Mapping[str, Any], source: str, origin: str) -> bytes:
    """Return the page of a document. source: where the document itself is. origin: that of the routes."""
    info = document["info"]
    operations = [
        _operation(document, origin, path, method, each)
        for path, methods in document["paths"].items()
        for method, each in methods.items()
    ]
    head = f"<h1>{escape(info['title'])}</h1><p>Version {escape(info['version'])}, "
    head += f"{len(operations)} operation{'' if len(operations) == 1 else 's'}"
    head += f', <a href="{escape(source)}">OpenAPI 3.1</a></p>' if source else "</p>"
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(info['title'])}</title><style>{STYLE}</style>"
        f"<main><header>{head}</header>{''.join(operations) or '<p>No routes.</p>'}</main></html>"
    ).encode(errors="replace")


def _operation(document: Mapping[str, Any], origin: str, path: str, method: str, operation: Mapping[str, Any]) -> str:
    about = operation.get("summary", "")
    parts = [f"<p>{escape(operation['description'])}</p>"] if "description" in operation else []
    scheme = next((name for each in operation.get("security", ()) for name in each), "")
    if scheme:
        parts.append(f"<p>Asks for credentials: {_credentials(document['components']['securitySchemes'][scheme])}.</p>")
    rows = [Row(each["name"], each["in"], each["required"], "") for each in operation.get("parameters", ())]
    parts.append(_table("Parameters", rows))
    schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    if schema is not None:
        parts.append(_table("Body", list(_rows(document, schema))))
    parts.append(_table("Answers", [Row(*_answer(each)) for each in operation["responses"].items()]))
    parts.append(f"<h2>Try it</h2><pre>{escape(_curl(origin + path, method, operation, schema))}</pre>")
    return (
        f'<details id="{escape(operation["operationId"])}"><summary><b>{escape(method.upper())}</b>'
        f"<code>{escape(path)}</code><span>{escape(about)}</span></summary><div>{''.join(parts)}</div></details>"
    )


def _answer(item: tuple[str, Mapping[str, Any]]) -> tuple[str, str, bool, str]:
    status, answer = item
    kinds = ", ".join(answer.get("content", ()))
    return ("otherwise" if status == "default" else status, kinds, False, answer["description"])


def _credentials(scheme: Mapping[str, Any]) -> str:
    if scheme["type"] == "http":
        return f"HTTP {escape(scheme['scheme'].capitalize())}"
    return f"a key, {escape(scheme['in'])} <code>{escape(scheme['name'])}</code>"


def _table(title: str, rows: list[Row]) -> str:
    if not rows:
        return ""
    lines = [
        f"<tr><td><code>{escape(row.name)}</code><td>{escape(row.kind)}{' <i>required</i>' if row.is_required else ''}"
        f"<td>{escape(row.about)}"
        for row in rows[:MOST_ROWS]
    ]
    return f"<h2>{title}</h2><table>{''.join(lines)}</table>"


def _curl(url: str, method: str, operation: Mapping[str, Any], schema: object) -> str:
    sends = "requestBody" in operation and schema is not None
    verb = "" if method == ("post" if sends else "get") else f" -X {method.upper()}"
    return f"curl{verb} {url}{' -d @body.json' if sends else ''}"


# --- schemas -----------------------------------------------------------------------------------------------------


def _rows(document: Mapping[str, Any], schema: Any, prefix: str = "", depth: int = 0) -> Iterator[Row]:
    schema = _found(document, schema)
    if depth > DEEPEST or not isinstance(schema, Mapping):
        return
    required = schema.get("required", ())
    for part in (schema, *(_found(document, each) for each in schema.get("allOf", ()))):
        properties = part.get("properties", {}) if isinstance(part, Mapping) else {}
        for name, raw in properties.items():
            each = _found(document, raw)
            yield Row(f"{prefix}{name}", _kind(document, each), name in required, _about(each))
            yield from _rows(document, each, f"{prefix}{name}.", depth + 1)
    if "items" in schema:
        yield from _rows(document, schema["items"], f"{prefix.removesuffix('.')}[].", depth + 1)


def _found(document: Mapping[str, Any], schema: Any) -> Any:
    """Return what a reference within the document leads to."""
    for _ in range(DEEPEST):
        ref = schema.get("$ref") if isinstance(schema, Mapping) else None
        if not isinstance(ref, str) or not ref.startswith("#/"):
            break
        place: Any = document
        for step in ref[2:].split("/"):
            name = step.replace("~1", "/").replace("~0", "~")
            place = place.get(name) if isinstance(place, Mapping) else None
        schema = place
    return schema


def _kind(document: Mapping[str, Any], schema: Any) -> str:
    if not isinstance(schema, Mapping):
        return "anything"
    kinds = schema.get("type", ())
    text = " or ".join([kinds] if isinstance(kinds, str) else map(str, kinds))
    if text == "array" and "items" in schema:
        return f"list of {_kind(document, _found(document, schema['items']))}"
    alternatives = schema.get("anyOf") or schema.get("oneOf")
    if not text and alternatives:
        text = " or ".join(dict.fromkeys(_kind(document, _found(document, each)) for each in alternatives))
    return text or ("one of" if "enum" in schema else "anything")


_SAID = {
    "minimum": "at least {}",
    "maximum": "at most {}",
    "exclusiveMinimum": "more than {}",
    "exclusiveMaximum": "less than {}",
    "multipleOf": "a multiple of {}",
    "minLength": "length at least {}",
    "maxLength": "length at most {}",
    "minItems": "length at least {}",
    "maxItems": "length at most {}",
    "pattern": "pattern {}",
    "format": "{}",
    "const": "{}",
    "default": "default {}",
}


def _about(schema: Any) -> str:
    if not isinstance(schema, Mapping):
        return ""
    said = [str(schema["description"]).strip().removesuffix(".")] if "description" in schema else []
    if "enum" in schema:
        said.append(", ".join(map(_shown, schema["enum"][:20])))
    said += [text.format(_shown(schema[key], key)) for key, text in _SAID.items() if key in schema]
    return "; ".join(said)[:500]


def _shown(value: object, key: str = "") -> str:
    if isinstance(value, str) and key in ("pattern", "format"):
        return value
    return json.dumps(value, ensure_ascii=False, default=str)[:80]
