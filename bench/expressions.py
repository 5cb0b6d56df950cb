"""Expressions of integrations, and the same work written by hand in Python.

The code by hand is what a programmer would write who knows the data: without checks, and without CEL's errors.
`is_small` marks those that take so little time that the call around them decides.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

ITEMS = [{"sku": f"s{n}", "qty": n % 7, "price": 1.5 * n} for n in range(10)]
BODY: dict[str, Any] = {
    "name": "Ada",
    "total": 249.95,
    "items": ITEMS,
    "records": [{"sku": f"s{n}", "qty": n % 7, "price": 1.5 * n} for n in range(1000)],
    **{f"field{n}": n for n in range(30)},
}
VARS: dict[str, Any] = {"method": "POST", "query": {"page": "2"}}

WORD = re.compile("^[A-Z][a-z]+$")


# fmt: off
def _thirty(m: Any) -> object:
    b = m.body
    return {
        "f0": b["field0"], "f1": b["field1"], "f2": b["field2"], "f3": b["field3"], "f4": b["field4"],
        "f5": b["field5"], "f6": b["field6"], "f7": b["field7"], "f8": b["field8"], "f9": b["field9"],
        "f10": b["field10"], "f11": b["field11"], "f12": b["field12"], "f13": b["field13"], "f14": b["field14"],
        "f15": b["field15"], "f16": b["field16"], "f17": b["field17"], "f18": b["field18"], "f19": b["field19"],
        "f20": b["field20"], "f21": b["field21"], "f22": b["field22"], "f23": b["field23"], "f24": b["field24"],
        "f25": b["field25"], "f26": b["field26"], "f27": b["field27"], "f28": b["field28"], "f29": b["field29"],
    }
# fmt: on


class Expression(NamedTuple):
    name: str
    cel: str
    by_hand: Callable[[Any], object]
    is_small: bool = False


def _absorbed(m: Any) -> bool:
    try:
        return m.body["nope"] == 1 or m.body["name"] == "Ada"
    except KeyError:
        return m.body["name"] == "Ada"


EXPRESSIONS = (
    Expression("field", "body.name", lambda m: m.body["name"], is_small=True),
    Expression(
        "greeting",
        '{"greeting": "hello, " + body.name + "!"}',
        lambda m: {"greeting": "hello, " + m.body["name"] + "!"},
        is_small=True,
    ),
    Expression(
        "condition",
        'vars.method == "POST" && body.total > 100.0',
        lambda m: m.vars["method"] == "POST" and m.body["total"] > 100.0,
        is_small=True,
    ),
    Expression(
        "filter and map, 10 items",
        'body.items.filter(i, i.qty > 3).map(i, {"sku": i.sku, "amount": i.price})',
        lambda m: [{"sku": i["sku"], "amount": i["price"]} for i in m.body["items"] if i["qty"] > 3],
    ),
    Expression(
        "has",
        'has(vars.query.currency) ? vars.query.currency : "USD"',
        lambda m: m.vars["query"].get("currency", "USD"),
        is_small=True,
    ),
    Expression(
        "30-field object",
        "{" + ", ".join(f'"f{n}": body.field{n}' for n in range(30)) + "}",
        _thirty,
    ),
    Expression(
        "map, 1,000 records",
        'body.records.map(i, {"sku": i.sku, "qty": i.qty, "price": i.price})',
        lambda m: [{"sku": i["sku"], "qty": i["qty"], "price": i["price"]} for i in m.body["records"]],
    ),
    Expression(
        "filter, 1,000 records",
        "body.records.filter(i, i.qty > 3 && i.price > 10.0)",
        lambda m: [i for i in m.body["records"] if i["qty"] > 3 and i["price"] > 10.0],
    ),
    Expression(
        "exists, the last of 1,000",
        'body.records.exists(i, i.sku == "s999")',
        lambda m: any(i["sku"] == "s999" for i in m.body["records"]),
    ),
    Expression(
        "all of 1,000",
        "body.records.all(i, i.price >= 0.0)",
        lambda m: all(i["price"] >= 0.0 for i in m.body["records"]),
    ),
    Expression(
        "functions of strings",
        'body.name.startsWith("A") && size(body.name) > 2 && body.name.upperAscii() == "ADA"',
        lambda m: m.body["name"].startswith("A") and len(m.body["name"]) > 2 and m.body["name"].upper() == "ADA",
        is_small=True,
    ),
    Expression(
        "matches",
        'body.name.matches("^[A-Z][a-z]+$")',
        lambda m: WORD.search(m.body["name"]) is not None,
        is_small=True,
    ),
    Expression(
        "arithmetic",
        "(body.total * 1.2 + 5.0) / 2.0 > 10.0",
        lambda m: (m.body["total"] * 1.2 + 5.0) / 2.0 > 10.0,
        is_small=True,
    ),
    Expression("item's field", "body.items[0].sku", lambda m: m.body["items"][0]["sku"], is_small=True),
    Expression("absorbed error", 'body.nope == 1 || body.name == "Ada"', _absorbed),
)
"""The expressions of the study for which the design sets a budget."""
