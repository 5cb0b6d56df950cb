"""The header `Link` (RFC 8288): which address has which relation."""

from __future__ import annotations

import re

_LINK = re.compile(r"""\s*<([^>]*)>((?:\s*;\s*[^\s=;,"]+(?:\s*=\s*(?:"(?:\\.|[^"\\])*"|[^\s;,"]*))?)*)\s*(?:,|$)""")
_PARAMETER = re.compile(r""";\s*([^\s=;,"]+)(?:\s*=\s*(?:"((?:\\.|[^"\\])*)"|([^\s;,"]*)))?""")
MOST = 1 << 16
"""Characters of a header that are read, as many as a line of an answer may have."""


def linked(header: str, relation: str) -> str | None:
    """Return the address with this relation, None if there is none.

    A link may have several relations, and each may be written in any case. A link about another resource (`anchor`) is
    not meant.
    """
    wanted = relation.lower()
    at = 0
    header = header[:MOST]
    while at < len(header):
        found = _LINK.match(header, at)
        if found is None:
            comma = header.find(",", at)
            if comma < 0:
                return None
            at = comma + 1
            continue
        if wanted in _relations(found[2]):
            return found[1].strip()
        at = found.end()
    return None


def _relations(parameters: str) -> list[str]:
    """Return the relations of a link: those of its first `rel`, as the standard says."""
    found: dict[str, str] = {}
    for name, quoted, plain in _PARAMETER.findall(parameters):
        found.setdefault(name.lower(), quoted or plain.strip("'"))  # some write the quotes of another language
    return [] if "anchor" in found else found.get("rel", "").lower().split()
