"""The request bodies of the seven flows, and the answers that the flows must give."""

from __future__ import annotations

import json
from typing import Any

SIZES = (1024, 4096, 16384, 65536, 262144, 1048576)
"""The least bytes of the bodies of 006: 8 to 7,584 records."""


def whole(number: float) -> float:
    """The number as JavaScript would write it: without a fraction if that is zero."""
    return int(number) if float(number).is_integer() else number


def compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def record(index: int) -> dict[str, Any]:
    """One account."""
    which = index % 4
    return {
        "id": f"acct-{index:08d}",
        "name": f"Account Holder {index}",
        "region": ("us-east-1", "eu-west-1", "ap-south-1", "sa-east-1")[which],
        "country": ("US", "IE", "IN", "BR")[which],
        "amount": whole((index % 100) * 137.5),
        "currency": ("USD", "EUR", "INR", "BRL")[which],
        "status": "CLOSED" if index % 7 == 0 else "ACTIVE",
    }


def reshaped(account: dict[str, Any]) -> dict[str, Any]:
    """The result of 006 and 007 for an account."""
    amount = account["amount"]
    return {
        "accountId": account["id"],
        "name": account["name"],
        "active": account["status"] == "ACTIVE",
        "location": {"region": account["region"], "country": account["country"]},
        "balance": {"amount": amount, "currency": account["currency"], "withTax": amount * 1.21},
        "tier": "gold" if amount > 5000 else "silver" if amount > 1000 else "bronze",
    }


def records(target: int) -> tuple[str, int]:
    """A batch of at least so many bytes, and its number of records."""
    size, parts = len('{"records":[]}'), list[str]()
    while size < target:
        part = compact(record(len(parts)))
        size += len(part) + bool(parts)
        parts.append(part)
    return f'{{"records":[{",".join(parts)}]}}', len(parts)


def csv(count: int) -> str:
    """So many accounts as CSV."""
    lines = ["id,name,region,country,amount,currency,status"]
    lines += [",".join(str(value) for value in record(index).values()) for index in range(count)]
    return "\n".join(lines)


def order() -> str:
    """An order of eight lines."""
    lines = [{"sku": f"SKU-{1000 + i}", "qty": whole((i % 4) + 1.0), "price": whole(5.5 + i * 3.25)} for i in range(8)]
    return compact({"customer": "acme-industrial", "channel": "web", "lines": lines})
