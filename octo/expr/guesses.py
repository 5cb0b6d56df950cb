"""What people write who know other languages, and how it is written here: hints for errors, never another meaning."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

_FUNCTIONS: Final = {
    "size(x)": "length len count strlen cardinality",
    "x.upperAscii()": "toUpperCase toUpper uppercase upcase to_upper",
    "x.lowerAscii()": "toLowerCase toLower lowercase downcase to_lower",
    "x.trim()": "strip trimmed trimSpace",
    "string(x)": "toString str asString to_s text",
    "int(x)": "parseInt Number toInt toNumber toInteger integer num toLong long",
    "double(x)": "parseFloat float toFloat toDouble decimal toDecimal",
    "fromJson(text)": "parseJson parseJSON jsonParse json_decode jsonDecode readJson loads unmarshal",
    "toJson(x)": "json stringify toJSON jsonEncode json_encode writeJson dumps marshal",
    "body.?name.orValue(x)": "default coalesce ifNull nvl getOrElse getOrDefault orElse get ifEmpty",
    "size(x) == 0": "isEmpty empty isBlank",
    "x == null": "isNull is_null isNil",
    "has(body.name)": "exists_key isDefined defined isset hasKey containsKey has_key",
    "x.contains(y)": "includes include indexOfString",
    "y in x": "isIn inList",
    "x.distinct()": "unique uniq distinctValues toSet",
    "x.filter(i, i.id == 1).first()": "find findFirst detect findOne",
    "x.map(i, ...).flatten()": "flatMap flat_map mapMany",
    "x.exists(i, i > 0)": "some any anyMatch",
    "x.all(i, i > 0)": "every allMatch",
    "x.map(i, i.name)": "collect select forEach foreach each pluck",
    "x.sum(), or the block `foreach` with a variable": "reduce fold inject aggregate",
    "x.sortBy(i, i.name)": "orderBy order_by sort_by sortWith sorted",
    "x.groupBy(i, i.name)": "group group_by partition",
    "x.reverse()": "reversed",
    "lists.range(n)": "range sequence",
    "x.merge(y)": "assign extend putAll union mergeMap",
    "x + y": "concat append push",
    "x.substring(from, to)": "substr mid left right",
    "x.split(',')": "explode splitBy",
    "x.matches('[a-z]+')": "match test isMatch regexMatch",
    "x.replace(a, b), or regex.replace(x, pattern, b)": "replaceAll gsub sub",
    "now": "today currentTime currentTimestamp getdate sysdate",
    'now.format("yyyy-MM-dd")': "formatDate dateFormat date_format strftime formatTime toDateString",
    'timestamp(x, "dd.MM.yyyy")': "date parseDate toDate strptime parseTime Date datetime DateTime",
    'now.add(1, "day")': "plusDays addDays dateAdd plusHours addHours plus minusDays subtract minus",
    "x.diff(y, 'days')": "dateDiff datediff daysBetween",
    "toEpochMillis(now)": "epoch unixtime toUnix getTime",
    "urlEncode(x)": "encodeURIComponent encodeURI urlencode escape quote",
    "urlDecode(x)": "decodeURIComponent decodeURI unquote",
    "base64.encode(x)": "btoa base64Encode encodeBase64 toBase64",
    "base64.decode(x)": "atob base64Decode decodeBase64 fromBase64",
    "hexEncode(hmacSha256(key, x))": "hmac hmacsha256 sign",
    "hexEncode(x)": "hex toHex",
    "hexEncode(sha256(x))": "hash digest",
    "uuid()": "guid newGuid randomUUID uuid4 uuidv4 newUuid",
    "fromXml(x)": "parseXml xmlParse",
    "fromCsv(x)": "parseCsv csvParse",
    "condition ? x : y": "iif ifelse ifThenElse choose",
    "math.greatest(x, y)": "maximum",
    "math.least(x, y)": "minimum",
}
_BODY = "the body of the message is `body`"
_NAMES: Final = {
    _BODY: "payload msg message request req data event input content this it self",
    "variables are read as `vars.name`": "variables variable flowVars attributes context ctx",
    'a header that the source lists under `headers:` is `vars["X-Name"]`': "headers header",
    "a cookie that the source lists under `cookies:` is `vars.name`": "cookies cookie",
    "`vars.query.name` is a parameter behind the `?`, `vars.name` one of the path": "query params queryParams",
    "the error is `vars.error`": "error exception err",
    "an element of a loop is `vars.item`, or has the name under `as:`": "item element index loop",
    "a declared variable of the environment is `env.NAME`": "process environment secrets config settings",
    "write `null`": "None nil undefined NULL Null",
    "write `true`": "True TRUE",
    "write `false`": "False FALSE",
    "write `fromJson(text)`, `toJson(x)`": "JSON",
    "write `x.keys()`, `x.values()`, `x.entries()`": "Object",
    "write `math.round(x)`": "Math",
    "write `now`, or `timestamp(text)`": "Date DateTime datetime Instant",
    "write `!x`": "not",
}
_WORDS: Final = {"and": "&&", "or": "||", "not": "!", "is": "==", "eq": "==", "ne": "!=", "equals": "==", "mod": "%"}
_METHODS: Final = ("matches", "contains", "startsWith", "endsWith")

_SPELLINGS: Final = (
    (r"\$\{", '`${...}` is for variables of the environment; write `"hello " + body.name`'),
    (r"\{\{", 'braces belong to templates; write body.name alone, or "hello " + body.name'),
    (r"\?\?", "write body.?name.orValue(x)"),
    (r"\?\.(?!\d)", "an optional field is `body.?name`, e.g. body.?name.orValue(x)"),
    (r"=>|->", "a loop names its variable: x.map(i, i.name), x.filter(i, i > 0)"),
    (r"=~", "write x.matches(pattern)"),
    (r"<>", "write `!=`"),
    (r"\.\.\.", "write x.merge(y)"),
    (r"(?:^|\s)#|/\*", "a comment begins with //"),
    (r"^\s*not\b", "write !x"),
    (r"\bif\b.*\bthen\b", "write condition ? x : y"),
)
_PROSE: Final = (
    r"[^\W\d_]\w*(?:[ ,]+\w+)+[.!?]?|(?:application|text|image|audio|video|multipart)/[\w.+*-]+(?:; *[\w=-]+)?"
)
"""Words side by side, or the type of a content: no expression."""

_QUOTES = "A text needs quotes of its own, inside those of YAML: '\"...\"'"
_LONGEST = 2_000
"""A longer expression is not searched for what its author may have meant."""


def of_function(name: str) -> str:
    """How to write what a function elsewhere does, or ""."""
    here = _in(_FUNCTIONS, name)
    return f"Write {here}" if here else ""


def of_field(name: str) -> str:
    """How to write what is a field elsewhere and none here, such as `length`, or ""."""
    return of_function(name) if name in {"length", "size", "count"} else ""


def of_name(text: str, name: str) -> str:
    """What an undeclared name in an expression is here, or ""."""
    if _is_prose(text):
        return _QUOTES
    here = _in(_NAMES, name)
    return here[:1].upper() + here[1:]


def of_syntax(text: str, at: int) -> str:
    """What an expression that cannot be read was meant to be, or "".

    Args:
        text: the whole expression.
        at: where reading ended.

    """
    word = (re.match(r"\w+", text[at:]) or [""])[0]
    if word in _WORDS and not (text[:1].isupper() and _is_prose(text)):
        return f"Write `{_WORDS[word]}`"
    if word in _METHODS:
        return f"Write x.{word}(y)"
    if len(text) > _LONGEST:
        return ""
    if _is_prose(text):
        return _QUOTES
    bare = _bare(text)
    hint = next((hint for spelling, hint in _SPELLINGS if re.search(spelling, bare)), "")
    return hint[:1].upper() + hint[1:]


def _in(table: Mapping[str, str], word: str) -> str:
    """What a table has for a word elsewhere. It is searched as it is: nobody waits for the hint of an error."""
    return next((here for here, words in table.items() if word in words.split()), "")


def _is_prose(text: str) -> bool:
    return len(text) <= _LONGEST and bool(re.fullmatch(_PROSE, text.strip(), re.ASCII))


def _bare(text: str) -> str:
    """The expression without what stands in quotes."""
    return re.sub(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'", '""', text)
