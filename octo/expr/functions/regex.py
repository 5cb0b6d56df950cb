"""Regular expressions in RE2: matching takes linear time, whatever the pattern."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from octo.expr.errors import BAD_REGEX, INVALID_ARGUMENT, ExprError, quoted
from octo.expr.function import function
from octo.expr.limits import check_elements, check_size
from octo.expr.values import NONE, Optional

MAX_PATTERN = 10_000


@lru_cache(maxsize=512)
def matcher(pattern: str) -> Callable[[str], bool]:
    """A function that returns whether the pattern matches anywhere in a text."""
    import re2

    compiled(pattern)
    # A set of one pattern is several times faster than search() of the binding.
    found = re2.Set.SearchSet()
    found.Add(pattern)
    found.Compile()
    match = found.Match

    def search(text: str) -> bool:
        try:
            return bool(match(text.encode()))
        except UnicodeEncodeError:
            raise half_a_character() from None

    return search


@lru_cache(maxsize=512)
def compiled(pattern: str) -> Any:
    """The compiled pattern. Raises ExprError for a bad one."""
    import re2

    if len(pattern) > MAX_PATTERN:
        raise ExprError(BAD_REGEX, f"the regular expression has more than {MAX_PATTERN} characters")
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except (re2.error, UnicodeError) as error:
        detail = error.args[0] if error.args else ""
        detail = detail.decode(errors="replace") if isinstance(detail, bytes) else str(detail)
        detail = detail.partition(": ")[0]  # the rest quotes a part of the pattern, which may be secret: see `quoted`
        raise ExprError(BAD_REGEX, f"bad regular expression {quoted(pattern)}: {detail}") from None


def half_a_character() -> ExprError:
    return ExprError(INVALID_ARGUMENT, "the string holds half a character and cannot be encoded")


def _encodable(text: str) -> str:
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise half_a_character() from None
    return text


def _one_group(pattern: str) -> Any:
    regex = compiled(pattern)
    if regex.groups > 1:
        raise ExprError(INVALID_ARGUMENT, f"the regular expression {quoted(pattern)} has more than one capture group")
    return regex


@function(
    "regex.extract(string, string) -> optional(string)",
    family="regex",
    examples=[
        'regex.extract("order 42", "[0-9]+") == optional.of("42")',
        'regex.extract("id=7", "id=(.)").value() == "7"',
        '!regex.extract("none", "[0-9]").hasValue()',
    ],
)
def extract(text: str, pattern: str) -> Optional:
    """The first match, or its capture group if the pattern has one; `optional.none()` without a match."""
    regex = _one_group(pattern)
    match = regex.search(_encodable(text))
    if match is None:
        return NONE
    found = match.group(regex.groups)
    return NONE if found is None else Optional(found)


@function(
    "regex.extractAll(string, string) -> list(string)",
    family="regex",
    examples=['regex.extractAll("a1b22", "[0-9]+") == ["1", "22"]'],
)
def extract_all(text: str, pattern: str) -> list[str]:
    """All matches, or their capture groups if the pattern has one."""
    regex = _one_group(pattern)
    found = []
    for match in regex.finditer(_encodable(text)):
        group = match.group(regex.groups)
        if group is not None:
            found.append(group)
    check_elements(len(found))
    return found


@function(
    "regex.replace(string, string, string) -> string",
    "regex.replace(string, string, string, int) -> string",
    family="regex",
    examples=[
        r'regex.replace("a1b2", "[0-9]", "#") == "a#b#"',
        r'regex.replace("ann bo", "(\\w+) (\\w+)", r"\2 \1") == "bo ann"',
        r'regex.replace("aaa", "a", "b", 2) == "bba"',
    ],
)
def replace(text: str, pattern: str, replacement: str, limit: int = -1) -> str:
    r"""The text with all matches replaced, or at most the given number; \1 to \9 stand for capture groups."""
    regex = compiled(pattern)
    parts = _template(replacement, regex.groups)
    if limit == 0:
        return text
    pieces: list[str] = []
    last = size = 0
    for count, match in enumerate(regex.finditer(_encodable(text)), 1):
        pieces.append(text[last : match.start()])
        pieces += [part if isinstance(part, str) else match.group(part) or "" for part in parts]
        last = match.end()
        size += sum(map(len, pieces[-len(parts) - 1 :]))
        check_size(size)
        if count == limit:
            break
    pieces.append(text[last:])
    return "".join(pieces)


def _template(replacement: str, groups: int) -> list[str | int]:
    r"""The texts and group numbers in a replacement such as r"\2, \1"."""
    parts: list[str | int] = []
    position = 0
    while (slash := replacement.find("\\", position)) >= 0:
        parts.append(replacement[position:slash])
        following = replacement[slash + 1 : slash + 2]
        if following == "\\":
            parts.append("\\")
        elif following.isascii() and following.isdigit() and int(following) <= groups:
            parts.append(int(following))
        else:
            raise ExprError(
                INVALID_ARGUMENT,
                f"bad replacement {quoted(replacement)}",
                hint="A backslash is followed by the number of a capture group, or another backslash",
            )
        position = slash + 2
    return [*parts, replacement[position:]]
