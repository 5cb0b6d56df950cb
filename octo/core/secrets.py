"""Secrets: texts that are never printed, and the masks that keep them out of logs, traces and reports."""

from __future__ import annotations

import json
import re
from urllib.parse import quote, quote_plus

MASKED = "«secret»"
_SHORTEST_SECRET = 6
_secrets: dict[str, set[str]] = {}
"""The forms of all secrets, by a piece of text that every form of a secret contains. Replaced as a whole, never
changed: configurations are read in a thread, while others write lines."""
_pattern: re.Pattern[str] | None = None


def mask(secret: str) -> None:
    """Replace this text by `«secret»` in every line from now on, also where it is encoded or quoted.

    Texts of fewer than 6 characters are left alone: masking `root` or `1234` would make logs unreadable and reveal
    the secret.
    """
    global _pattern, _secrets  # noqa: PLW0603  a fact about the process
    if len(secret) < _SHORTEST_SECRET:
        return
    # Letters and digits are the same in every form.
    piece = max(re.findall("[A-Za-z0-9]*", secret), key=len)
    _secrets = {**_secrets, piece: _secrets.get(piece, set()) | _forms(secret)}
    # The longest first: a secret may be the beginning of another.
    forms = sorted(set().union(*_secrets.values()), key=len, reverse=True)
    _pattern = re.compile("|".join(map(re.escape, forms)))


def masked(text: str) -> str:
    """The text without registered secrets."""
    # A plain search for each form costs a fraction of the pattern, and hardly any text contains a secret.
    if _pattern is None or not any(
        piece in text and any(form in text for form in forms) for piece, forms in _secrets.items()
    ):
        return text
    return _pattern.sub(MASKED, text)


_URL_SAFE = ("", "/", "/:@!$&'()*+,;=")
"""The characters that URL encoders leave alone: in a component, by default, and in a path."""


def _forms(secret: str) -> set[str]:
    """The text in every form in which it may be printed."""
    escaped = _escaped_forms(secret)
    urls = {write(secret, safe, errors="replace") for write in (quote, quote_plus) for safe in _URL_SAFE}
    text = secret.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    attribute = text.replace('"', "&quot;")
    markup = {text, attribute, attribute.replace("'", "&#x27;")}
    shell = secret.replace("'", "'\"'\"'")
    # Twice: other systems answer errors with JSON that quotes the JSON they were sent.
    twice = set().union(*map(_escaped_forms, escaped))
    return {secret, shell, *urls, *markup, *escaped, *twice}


def _escaped_forms(text: str) -> set[str]:
    """The text inside the quotes of JSON, and of Python, which escapes a `'` only where there is a `"` too."""
    parts = [repr(part)[1:-1] for part in text.split("'")]
    return {json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1], "'".join(parts), "\\'".join(parts)}
