"""HTML in which every text is escaped unless this module made it."""

from __future__ import annotations

from html import escape


class Html(str):
    """Text that is HTML already; only `element` and `joined` make it."""

    __slots__ = ()


def element(name: str, kind: str, *children: str, **attributes: object) -> Html:
    """Return an element of the class `kind`. Attributes are escaped, and so are children that are not `Html`."""
    given = {**({"class": kind} if kind else {}), **attributes}
    written = "".join(f' {key}="{escape(str(value))}"' for key, value in given.items())
    return Html(f"<{name}{written}>{joined(*children)}</{name}>")


def joined(*children: str) -> Html:
    """Return the children, one after the other."""
    return Html("".join(each if isinstance(each, Html) else escape(each) for each in children))
