"""The known differences, each as the smallest expression that shows it and the outcomes on both sides.

A rule holds only if the form, both outcomes and the relation between these are as documented, so that it cannot hide
another difference in a similar expression.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable
from typing import Any, NamedTuple

from bench.fuzz.outcome import Meeting, Outcome


def _always(_: Meeting) -> bool:
    return True


class Rule(NamedTuple):
    """A known difference. form: a pattern of the whole smallest expression, without `dyn`. ours, theirs: patterns of
    the outcome's word and content.
    """

    name: str
    form: str
    ours: str
    theirs: str
    holds: Callable[[Meeting], bool] = _always

    def names(self, met: Meeting) -> bool:
        return (
            re.fullmatch(self.form, _plain(met.case.text), re.DOTALL) is not None
            and _is(met.ours, self.ours)
            and _is(met.theirs, self.theirs)
            and self.holds(met)
        )


def named(met: Meeting) -> str:
    """The name of the rule for a difference; "" if there is none."""
    return next((rule.name for rule in RULES if rule.names(met)), "")


def _plain(text: str) -> str:
    """The text without the `dyn` around its literals, which changes nothing."""
    return re.sub(r"\bdyn\(([^()]*)\)", r"\1", text)


def _is(outcome: Outcome, wanted: str) -> bool:
    word, _, message = wanted.partition(": ")
    return re.fullmatch(word, outcome.word) is not None and re.search(message, str(outcome.content)) is not None


# --- how the two outcomes must be related ------------------------------------------------------------------------


def _fraction(met: Meeting) -> bool:
    """The same time; theirs pads its fraction with zeros to 3, 6 or 9 digits."""
    filled = re.compile(r"\.(\d{3}){1,3}(?=[sZ](\W|$))")
    return bool(met.ours.content == filled.sub(lambda digits: digits[0].rstrip("0."), str(met.theirs.content)))


def _decimal(met: Meeting) -> bool:
    """The same number; theirs always has six digits after the point, and every digit before it."""
    ours, theirs = (str(each.content).partition("|") for each in (met.ours, met.theirs))
    has_six = re.fullmatch(r"-?\d+\.\d{6}", theirs[0]) and re.fullmatch(r"-?\d+(\.\d+)?", ours[0])
    return bool(has_six) and f"{float(ours[0]):.6f}" == theirs[0] and ours[1:] == theirs[1:]


def _infinity(met: Meeting) -> bool:
    pairs = {("+Inf", "inf"), ("-Inf", "-inf"), ("NaN", "nan"), ("NaN", "-nan")}
    return (met.ours.content, met.theirs.content) in pairs


def _numbers(met: Meeting) -> bool:
    return all(isinstance(each, dict) and each.keys() <= {"int", "double"} for each in met.ours.content)


def _optional_inside(met: Meeting) -> bool:
    """The value has an optional inside a list, a map or another optional; only one at the top can be written."""
    return json.dumps(met.ours.content).removeprefix('{"optional": ').find('"optional": ') > 0


def _optional(met: Meeting) -> bool:
    return isinstance(met.ours.content, dict) and "optional" in met.ours.content


def _is_false(met: Meeting) -> bool:
    return met.ours.content is False


def _no_bool(met: Meeting) -> bool:
    return not isinstance(met.theirs.content, bool)


def _replaced(met: Meeting) -> bool:
    return "\ufffd" in str(met.ours.content)


def _up_to_the_end(met: Meeting) -> bool:
    parts = re.fullmatch(rf"({TEXT})\.substring\(\d+, (\d+)\)", _plain(met.case.text))
    return parts is not None and len(ast.literal_eval(parts[1])) == int(parts[2])


def _exponent(met: Meeting) -> bool:
    """The same double: ours has all digits, theirs an exponent."""
    ours, theirs = str(met.ours.content), str(met.theirs.content)
    if not (re.fullmatch(r"-?\d{7,16}(\.\d*[1-9])?", ours) and re.fullmatch(r"-?\d(\.\d+)?e\+\d\d", theirs)):
        return False
    return float(ours) == float(theirs)


def _six_digits(met: Meeting) -> bool:
    ours, theirs = str(met.ours.content), str(met.theirs.content)
    return bool(re.fullmatch(r"-?\d[\d.e+-]*", ours)) and f"{float(ours):g}" == theirs


def _same_but_order(met: Meeting) -> bool:
    def items(content: Any) -> list[str]:
        return sorted(map(json.dumps, content)) if isinstance(content, list) else []

    return items(met.ours.content) == items(met.theirs.content) != []


# --- the rules ---------------------------------------------------------------------------------------------------

TEXT = r"'(?:\\.|[^'\\])*'"

RULES = (
    # Both sides have a value.
    Rule(
        "the fraction of a second has no zeros at its end, as in cel-go",
        r"string\(.+\)|'.*%s'\.format\(\[.+\]\)",
        "value",
        "value",
        _fraction,
    ),
    Rule("%d of a double: its digits here, always six there", r"'%d.*'\.format\(\[.+\]\)", "value", "value", _decimal),
    Rule("string(infinity) is +Inf, of nan NaN, as in cel-go", r"string\(.+\)", "value", "value", _infinity),
    Rule(
        "doubles have an exponent from 1e+16 on here, from 1e+06 on there", r"string\(.+\)", "value", "value", _exponent
    ),
    Rule("%s of a double has at most six digits there", r"'%s'\.format\(\[.+\]\)", "value", "value", _six_digits),
    Rule(
        "''.split('') is empty, as in cel-go",
        r"''\.split\(''(, -?\d+)?\)",
        r"value: ^\[\]$",
        r"value: ^\[''\]$",
    ),
    Rule(
        "type(optional) has a parameter there",
        r"type\(.+\)",
        r"value: ^{'type': 'optional_type'}$",
        r"value: ^{'type': 'optional_type<DYN>'}$",
    ),
    Rule(
        "maps are walked in the order of a hash there",
        r".*\{.+, .+\}\)?\.(map|filter|transformList)\(.*",
        "value",
        "value",
        _same_but_order,
    ),
    Rule(
        "cel.bind reads the variable of a loop that ended early, a defect of theirs",
        r".*\.(exists|all)\(.+\) (\?|&&|\|\|) .*cel\.bind\(.+\).*",
        "value",
        "value",
    ),
    # Only Octo has a value.
    Rule(
        "cel.bind reads the variable of a loop that ended early, a defect of theirs",
        r".*\.(exists|all)\(.+\) (\?|&&|\|\|) .*(\.sort(By)?|cel\.bind)\(.*",
        "value",
        "error: No matching overloads found : <iter_range>",
    ),
    Rule(
        "the element of transformList is forgotten by the time optMap reads it, a defect of theirs",
        r".+\.transformList\(i, j, j\).*\.optMap\(v, .+\)",
        "value",
        'error: No value with name "j" found in Activation',
    ),
    Rule("an optional inside a value has no form in Python", r".+", "value", "unspeakable", _optional_inside),
    Rule("an optional inside a map kills their process", r".+", "value", "died", _optional_inside),
    Rule(
        "%s of bytes that are no UTF-8 has no form in Python",
        r"'.*%s.*'\.format\(\[.*b'.*\]\)",
        "value",
        "unspeakable",
        _replaced,
    ),
    Rule(
        "a uint or a whole double finds an optional element here",
        r".+\[\?.+\]",
        "value",
        r"error: No matching overloads found : _\[\?_\]\(list, (uint64|double)\)",
        _optional,
    ),
    Rule(
        "duration(int) is an addition of ours",
        r"duration\(.+\)",
        "value: ^{'time': '",
        r"error: No matching overloads found : duration\(int64\)",
    ),
    Rule(
        "int(duration) is an addition of ours",
        r"int\(.+\)",
        "value: ^{'int': '",
        r"error: No matching overloads found : int\(duration\)",
    ),
    Rule(
        "string(type) is missing there",
        r"string\(.+\)",
        r"value: ^[a-z][\w.]*$",
        r"error: No matching overloads found : string\(type\)",
    ),
    Rule(
        "sort takes ints and doubles in one list here",
        r".+\.sort\(\)",
        r"value: ^\[.+\]$",
        r"error: sort\(\): list elements must have the same type",
        _numbers,
    ),
    Rule(
        "sort takes ints and doubles in one list here",
        r".+\.sortBy\(i, .+\)",
        r"value: ^\[.+\]$",
        r"error: sort\(\): list elements must have the same type",
    ),
    Rule(
        "what can be no key is in no map here, an error there",
        r"(null|\[.*\]|\{.*\}|b'.*') in \{.*\}",
        "value",
        r"error: No matching overloads found : @in",
        _is_false,
    ),
    Rule(
        "substring up to the very end, a defect of theirs",
        rf"{TEXT}\.substring\(\d+, \d+\)",
        "value",
        r"error: <start> or <end> is greater than <string>.size\(\)",
        _up_to_the_end,
    ),
    Rule(
        "the least int behind more signs is refused there",
        r".*--9223372036854775808.*",
        "value",
        "refused: invalid int literal",
    ),
    Rule(
        "sortBy of a literal that is no list is refused there even where it is not reached",
        r".*\.sortBy\(.*",
        "value",
        "refused: sortBy can only be applied to a list, identifier, ",
    ),
    Rule(
        "a wrong literal in math.greatest or math.least is refused there even where it is not reached",
        r".*math\.(greatest|least)\(.*",
        "value",
        r"refused: math\.(greatest|least)\(\) (invalid single argument value|simple literal arguments must be numeric)",
    ),
    Rule("nesting beyond 32 levels is refused there", r".+", "value", "refused: Exceeded max recursion depth of 32"),
    # Only the official evaluator has a value.
    Rule(
        "base64 with blanks is refused here",
        r"base64\.decode\('[^']*\s[^']*'\)",
        "error: ^not base64: ",
        "value: ^{'bytes'",
    ),
    Rule(
        "int(bool) is missing here, as in the definition",
        r"int\((true|false)\)",
        r"(error|refused): ^no such overload: int\(bool\)",
        "value: ^{'int': '[01]'}$",
    ),
    Rule(
        "a number with blanks around it is no number here",
        r"(int|uint|double)\('(\s.*|.*\s)'\)",
        r"error: ^cannot convert a string to (int|uint|double): '",
        r"value: ^{'(int|uint|double)'",
    ),
    Rule(
        "uint of a text with a plus sign is refused here, as in cel-go",
        r"uint\('\+\d+'\)",
        "error: ^cannot convert a string to uint: '",
        "value: ^{'uint'",
    ),
    Rule(
        "a timestamp has two digits for each of its parts here, as in RFC 3339",
        r"timestamp\('\d{4}-(\d-|\d\d-(\dT|\d\dT(\d:|\d\d:(\d:|\d\d:\d\D)))).*'\)",
        "error: ^cannot convert a string to timestamp: '",
        "value: ^{'time': '",
    ),
    Rule(
        "the texts NaN and Infinity are no numbers for %e and %f here",
        r"'.*%(\.\d+)?[ef].*'\.format\(\['(NaN|-?Infinity)'\]\)",
        "error: ^%[ef] formats numbers, not a string",
        "value: ^(NaN|-?Infinity)$",
    ),
    Rule(
        "optFlatMap whose expression is no optional is refused here",
        r".+\.optFlatMap\(v, .+\)",
        r"error: ^'\?' needs an optional, found ",
        "value: ^(?!{'optional')",
    ),
    Rule(
        "two negations of what is no bool are refused here",
        r"!!.+",
        "(error|refused): ^no such overload: !",
        "value",
        _no_bool,
    ),
    Rule(
        "what null can never do is refused here even where it is not reached",
        r".*\bnull\b.*",
        r"refused: ^(cannot index null$|no such overload: .*\bnull\b)",
        "value",
    ),
    Rule(
        "an index into an optional that leads nowhere is an optional of an error there, a defect of theirs",
        r".+\[[^?].*\]",
        r"error: ^(cannot look up .+ in |a list index is an int, not )",
        "unspeakable: Unable to convert function return value",
    ),
    Rule(
        "an index into an optional that leads nowhere is an optional of an error there, a defect of theirs",
        r".+\[[^?].*\]",
        r"value: ^{'optional': \[\]}$",
        "unspeakable: Unable to convert function return value",
    ),
    Rule(
        "an index into an optional that leads nowhere is an optional of an error there, a defect of theirs",
        r".+\[[^?].*\]\.hasValue\(\)",
        r"value: ^False$",
        r"value: ^True$",
    ),
    Rule(
        "an index into an optional that leads nowhere is an optional of an error there, a defect of theirs",
        r".+\[[^?].*\]\.hasValue\(\)",
        r"error: ^(cannot look up .+ in |a list index is an int, not )",
        r"value: ^True$",
    ),
    Rule(
        "bool and number keys in one map, which Python takes for the same",
        r"\{.+, .+\}.*",
        "error: ^a map cannot hold both .* as keys",
        "value",
    ),
)
