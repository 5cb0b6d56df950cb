"""HTML that is escaped unless it was made here."""

from __future__ import annotations

from html import escape


class Html(str):
    """Text that is HTML already; only `element` and `joined` make it."""

    __slots__ = ()


def element(name: str, kind: str, *children: str, **attributes: object) -> Html:
    """An element of the class `kind`. Children that are no `Html` are escaped, and so are attributes."""
    given = {**({"class": kind} if kind else {}), **attributes}
    written = "".join(f' {key}="{escape(str(value))}"' for key, value in given.items())
    return Html(f"<{name}{written}>{joined(*children)}</{name}>")


def joined(*children: str) -> Html:
    """The children behind one another."""
    return Html("".join(each if isinstance(each, Html) else escape(each) for each in children))
