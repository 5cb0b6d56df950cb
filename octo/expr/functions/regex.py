"""Regular expressions in RE2: matching takes linear time, whatever the pattern."""

from collections.abc import Callable, Iterator
from functools import lru_cache
from time import thread_time
from typing import Any

from octo.expr.cost import Cost
from octo.expr.errors import BAD_REGEX, INVALID_ARGUMENT, ExprError, quoted
from octo.expr.function import function
from octo.expr.limits import FUEL, MAX_SIZE, check_size, exhausted
from octo.expr.values import NONE, Optional

MAX_PATTERN = 10_000
MAX_PROGRAM = 10_000
"""At most this many instructions in a pattern: with more, RE2 may lack the memory to match, and find nothing."""
MAX_MEMORY = 1 << 20
"""What RE2 may use to compile a pattern. It takes 100 ms to give up at its default of 8 MiB."""
_INSTRUCTIONS = 8
"""How many instructions are tried on a character for one unit, at worst. Most patterns are matched much faster."""
MAX_MATCHING = FUEL * _INSTRUCTIONS
"""At most this much in one call: characters of the text times instructions of the pattern, a second or two at worst."""
MAX_MATCHES = 250_000
"""At most this many matches are extracted or replaced in one call."""

MOST_SECONDS = 2.0
"""Processor time of this thread after which the search for further matches ends. A pattern that looks ahead for an end
that does not come, such as `<!--.*?-->|<[^>]*>`, reads the rest of the text from each of its matches, and RE2 does not
tell how far it looked: it is the one cost that can only be measured. Other patterns never take so long."""
_LOOKS = 16
"""After so many matches the time is looked at."""

_MATCH = 8
"""The cost of each character that may be a match."""
_AHEAD = 64
"""How many characters are read ahead for one unit."""
_BAD_PATTERN = 1 << 19
"""The cost of a pattern that does not compile, which may need all of MAX_MEMORY to find that out."""


@lru_cache(maxsize=128)
def matcher(pattern: str) -> Callable[[str], bool]:
    """A function that returns whether the pattern matches anywhere in a text."""
    import re2

    most = MAX_MATCHING // compiled(pattern).programsize
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

    def search_short(text: str) -> bool:
        if len(text) > most:
            exhausted()
        return search(text)

    return search if most >= MAX_SIZE else search_short


@lru_cache(maxsize=128)
def compiled(pattern: str) -> Any:
    """The compiled pattern. Raises ExprError for a bad one."""
    import re2

    if len(pattern) > MAX_PATTERN:
        raise ExprError(BAD_REGEX, f"the regular expression has more than {MAX_PATTERN} characters")
    options = re2.Options()
    options.log_errors = False
    options.max_mem = MAX_MEMORY
    try:
        regex = re2.compile(pattern, options)
    except (re2.error, UnicodeError) as error:
        detail = error.args[0] if error.args else ""
        detail = detail.decode(errors="replace") if isinstance(detail, bytes) else str(detail)
        detail = detail.partition(": ")[0]  # the rest quotes a part of the pattern, which may be secret: see `quoted`
        raise ExprError(BAD_REGEX, f"bad regular expression {quoted(pattern)}: {detail}") from None
    if regex.programsize > MAX_PROGRAM:
        raise ExprError(BAD_REGEX, f"the regular expression {quoted(pattern)} is too large")
    return regex


def search_cost(text: object, pattern: object, *rest: object) -> int:
    """The cost of one pass over a text with a pattern, and of compiling it."""
    del rest
    return _pass(len(text), _program(pattern)) if isinstance(text, str) and isinstance(pattern, str) else 0


def _all_cost(text: object, pattern: object, *rest: object) -> int:
    """The cost of finding all matches, which may be as many as there are characters."""
    if not isinstance(text, str):
        return 0
    ahead = len(text) * len(text) // _AHEAD if isinstance(pattern, str) and _may_look_ahead(pattern) else 0
    return search_cost(text, pattern, *rest) + _MATCH * len(text) + ahead


def _may_look_ahead(pattern: str) -> bool:
    """Whether a match may read on for an end that may not come: something endless within something optional."""
    return any(each in pattern for each in "*+,") and any(each in pattern for each in ("|", ")?", ")*", ")+", "){"))


def matcher_cost(pattern: str) -> Callable[[object], int]:
    """The cost of each match of a text with this pattern, which is compiled already."""
    program = compiled(pattern).programsize
    return lambda text: _pass(len(text), program) if isinstance(text, str) else 0


def _pass(length: int, program: int) -> int:
    return (length + _INSTRUCTIONS) * program // _INSTRUCTIONS


@lru_cache(maxsize=1024)
def _program(pattern: str) -> int:
    try:
        return max(16, int(compiled(pattern).programsize))
    except ExprError:
        return _BAD_PATTERN


def _matches(data: bytes, regex: Any) -> Iterator[tuple[int, int, Any]]:
    """The start, the end and the match, for each match in the bytes of a text."""
    if len(data) * regex.programsize > MAX_MATCHING:
        exhausted()
    count, end = 0, thread_time() + MOST_SECONDS
    for match in regex.finditer(data):
        start, stop = match.span()
        # The binding steps over single bytes after an empty match.
        if start == stop and data[start : start + 1] in _INSIDE:
            continue
        count += 1
        if count > MAX_MATCHES or (count % _LOOKS == 0 and thread_time() > end):
            exhausted()
        yield start, stop, match


_INSIDE = frozenset(bytes((each,)) for each in range(0x80, 0xC0))
"""The bytes of UTF-8 that are not the first of their character."""


def half_a_character() -> ExprError:
    return ExprError(INVALID_ARGUMENT, "the string holds half a character and cannot be encoded")


def _encoded(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise half_a_character() from None


_COST = Cost(base=16, more=search_cost)
_ALL = Cost(base=16, more=_all_cost)


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
    cost=_COST,
)
def extract(text: str, pattern: str) -> Optional:
    """The first match, or its capture group if the pattern has one; `optional.none()` without a match."""
    regex = _one_group(pattern)
    data = _encoded(text)
    if len(data) * regex.programsize > MAX_MATCHING:
        exhausted()
    match = regex.search(data)  # one match: nothing to count and no time to take
    if match and data[match.start() : match.start() + 1] in _INSIDE:
        match = next((each for _, _, each in _matches(data, regex)), None)
    found = match.group(regex.groups) if match else None
    return NONE if found is None else Optional(_decoded(found))


def _decoded(found: bytes) -> str:
    return found.decode(errors="replace")


@function(
    "regex.extractAll(string, string) -> list(string)",
    family="regex",
    examples=['regex.extractAll("a1b22", "[0-9]+") == ["1", "22"]'],
    cost=_ALL,
)
def extract_all(text: str, pattern: str) -> list[str]:
    """All matches, or their capture groups if the pattern has one."""
    regex = _one_group(pattern)
    data = _encoded(text)
    if not regex.groups:
        return [_decoded(data[start:end]) for start, end, _ in _matches(data, regex)]
    groups = (match.group(1) for _, _, match in _matches(data, regex))
    return [_decoded(each) for each in groups if each is not None]


@function(
    "regex.replace(string, string, string) -> string",
    "regex.replace(string, string, string, int) -> string",
    family="regex",
    examples=[
        r'regex.replace("a1b2", "[0-9]", "#") == "a#b#"',
        r'regex.replace("ann bo", "(\\w+) (\\w+)", r"\2 \1") == "bo ann"',
        r'regex.replace("aaa", "a", "b", 2) == "bba"',
    ],
    cost=_ALL,
)
def replace(text: str, pattern: str, replacement: str, limit: int = -1) -> str:
    r"""The text with all matches replaced, or at most the given number; \1 to \9 stand for capture groups."""
    regex = compiled(pattern)
    parts = [_encoded(part) if isinstance(part, str) else part for part in _template(replacement, regex.groups)]
    parts = [part for part in parts if part != b""]
    if limit == 0:
        return text
    data = _encoded(text)
    pieces: list[bytes] = []
    last = size = 0
    for count, (start, end, match) in enumerate(_matches(data, regex), 1):
        added = [data[last:start], *[part if isinstance(part, bytes) else match.group(part) or b"" for part in parts]]
        pieces += added
        last = end
        size += sum(map(len, added))
        check_size(size // _MOST_BYTES)
        if count == limit:
            break
    pieces.append(data[last:])
    result = _decoded(b"".join(pieces))
    check_size(len(result))
    return result


_MOST_BYTES = 4
"""At most this many bytes for a character in UTF-8."""


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
