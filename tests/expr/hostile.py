"""Arguments that make functions work as hard as they can, by kind, and for some functions besides.

Each entry is a function of a size in characters, or in what stands for as many characters.
"""

from octo.expr.addresses import CIDR, IP
from octo.expr.values import SECOND, Duration, Exact, Optional, Timestamp, Type, Uint

M61 = 2**61 - 1
KEY = b"0123456789abcdef"
FORM = "multipart/form-data; boundary=b"


def times(part):
    """The part as often as fits."""
    return lambda n: part * (n // len(part))


def numbers(n):
    """Integers that Python hashes alike."""
    return [number * M61 for number in range(n // 20)]


def nested(n):
    """Lists in lists: as deep as JSON can be, with most elements at the top."""
    inner = []
    for _ in range(300):
        inner = [inner]
    return [*range(n // 4), inner]


KINDS = {
    "string": [times(each) for each in ("1", "x", "é", ",", " ", "=&", "%41", "\n", "\\", "a: b\n", "1:", "{%s}", "[")],
    "bytes": [times(b"x"), times(b"\xff"), times(b"\r\n")],
    "list": [
        numbers,
        nested,
        lambda n: [str(number) for number in range(n // 8)],
        lambda n: ["x" * (n // 4)] * 4,
        lambda n: [{"k": number} for number in range(n // 12)],
        lambda n: [Optional([number]) for number in range(n // 8)],
        lambda n: [float(number) * 2.0**61 for number in range(n // 20)],
    ],
    "map": [
        lambda n: {f"k{number}": number for number in range(n // 12)},
        lambda n: {"k" * n: [1]},
        lambda n: {"k": numbers(n)},
        lambda n: {"a": {"data": "x" * n}},
        lambda n: {"rawData": b"\r\n" * (n // 2), "contentType": FORM},
    ],
    "int": [lambda n: n, lambda n: 10 ** min(n, 4000), lambda n: -1],
    "uint": [lambda n: Uint(1)],
    "double": [lambda n: 1.5, lambda n: Exact("0." + "1" * n), lambda n: Exact("1e-" + "9" * 15)],
    "bool": [lambda n: True],
    "timestamp": [lambda n: Timestamp(0)],
    "duration": [lambda n: Duration(SECOND)],
    "type": [lambda n: Type("int")],
    "optional": [lambda n: Optional("x" * n)],
    "net.IP": [lambda n: IP(6, M61)],
    "net.CIDR": [lambda n: CIDR(IP(6, M61), 64)],
}
KINDS["dyn"] = [*KINDS["string"][:4], *KINDS["bytes"][:1], *KINDS["list"], *KINDS["map"]]

BESIDES = {
    "format": [
        (times("%s"), lambda n: [1] * (n // 2)),
        (times("%%"), lambda n: []),
        (lambda n: "%s", lambda n: [nested(n)]),
        (lambda n: "%d", lambda n: [Exact("1e-9999999")]),
        (lambda n: "%s" * 20, lambda n: [[[]] * (n // 20)] * 20),
    ],
    "matches": [
        (times("ab"), lambda n: "(a|b)*a(a|b){20}c"),
        (lambda n: "x", lambda n: r"[\pL\pN]{100}"),
        (times("a"), lambda n: "(x+x+)+y"),
    ],
    "regex.replace": [(times("a"), lambda n: "a", lambda n: ""), (times("é"), lambda n: "", lambda n: "-")],
    "regex.extractAll": [(times("a"), lambda n: "a"), (times("é"), lambda n: "é?")],
    "lastIndexOf": [(times("a"), lambda n: "b" + "a" * (n // 2))],
    "replace": [(times("a"), lambda n: "a", lambda n: ""), (times("ab"), lambda n: "ab", lambda n: "c")],
    "split": [(times(","), lambda n: ","), (times("é"), lambda n: "")],
    "fromJson": [
        (lambda n: "[" + "1e-400," * (n // 7) + "1]",),
        (lambda n: "[" + "{}," * (n // 3) + "1]",),
        (lambda n: "[" + ("1" * 4_000 + ",") * (n // 4_001) + "1]",),
        (lambda n: '{"' + "\\u0041" * (n // 6) + '":1}',),
    ],
    "fromYaml": [
        (lambda n: "[" + "a," * (n // 2) + "]",),
        (lambda n: "- 2020-01-01\n" * (n // 13),),
        (lambda n: "- &a x\n" + "- *a\n" * (n // 5),),
        (lambda n: "".join(f"%TAG !{number}! x\n" for number in range(n // 12)) + "--- a",),
    ],
    "fromXml": [
        (lambda n: "<a>" + "<a/>" * (n // 4) + "</a>",),
        (lambda n: "<a>" + "<a b=''/>" * (n // 9) + "</a>",),
        (lambda n: "<a " + " ".join(f"a{number}=''" for number in range(n // 12)) + "/>",),
        (lambda n: "<a>" + "&#60;" * (n // 5) + "</a>",),
        (lambda n: "<a>" * 200 + "<a/>" * (n // 4) + "</a>" * 200,),
        (lambda n: "<a>" * (n // 3),),
    ],
    "toXml": [
        (lambda n: {"a": {"a": [""] * (n // 4)}},),
        (lambda n: {"a": {"a": [{"@a": number} for number in range(n // 16)]}},),
        (lambda n: {"a": "&" * n},),
    ],
    "fromCsv": [
        (lambda n: "a\n" * (n // 2),),
        (lambda n: "\n" * n,),
        (lambda n: ",\n" + ",\n" * (n // 2), lambda n: {"header": False}),
        (lambda n: "1" * n, lambda n: {"header": False, "numbers": True}),
        (lambda n: "1,1\n" * (n // 4), lambda n: {"header": ["a", "b"], "numbers": True}),
        (lambda n: '""' * (n // 2), lambda n: {"header": False}),
        (lambda n: '"' + "\n" * n, lambda n: {"header": False}),
    ],
    "toCsv": [
        (lambda n: [{f"k{number}": ""} for number in range(n // 16)],),
        (lambda n: [[]] * (n // 3), lambda n: {"escapeFormulas": True}),
        (lambda n: [["="] * (n // 4)], lambda n: {"escapeFormulas": True, "newline": "\n"}),
        (lambda n: [{}] * (n // 3), lambda n: {"columns": ["a"] * 100}),
    ],
    "fromFormData": [(times("a=%41&"),), (times("%é"),)],
    "fromEnv": [(times("A=1\n"),), (lambda n: 'A="' + "\\n" * (n // 2) + '"',)],
    "fromMultipart": [
        (
            lambda n: '--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nx\r\n' * (n // 60) + "--b--",
            lambda n: FORM,
        ),
        (
            lambda n: '--b\r\nContent-Disposition: form-data; name="a"\r\n' + "h:\r\n" * (n // 4) + "\r\nx\r\n--b--",
            lambda n: FORM,
        ),
    ],
    "indexOf": [
        (times("a"), lambda n: "a" * (n // 2) + "b"),
        (lambda n: [["x"] * 100] * (n // 500), lambda n: ["x"] * 99 + ["y"]),
        (lambda n: [0] * (n // 4), lambda n: [0] * (n // 4)),
    ],
    "mergeDeep": [
        (
            lambda n: {f"{number}": {"a": 1} for number in range(n // 20)},
            lambda n: {f"{number}": {"b": 1} for number in range(n // 20)},
        ),
    ],
    "chunk": [(lambda n: [0] * (n // 4), lambda n: 1)],
    "sum": [(lambda n: [10**4000] * (n // 4001),), (lambda n: [1e308, -1e308] * (n // 12),)],
    "url": [(lambda n: "/?" + "a=%41&" * (n // 6),), (lambda n: "/?" + "&" * n,), (lambda n: "https://" + "a" * n,)],
    "urlEncode": [(times("é"),), (times(" "),)],
    "urlDecode": [(times("%41"),), (times("a%C3%A9"),)],
    "toUrl": [
        (lambda n: {"path": ["a"] * (n // 4)},),
        (lambda n: {"path": "/", "query": {"a": ["é"] * (n // 4)}},),
    ],
    "flatten": [(nested, lambda n: 1_000_000)],
    "join": [(lambda n: ["x"] * (n // 4), lambda n: "-")],
    "toAes": [(times("x"), lambda n: KEY)],
    "base64.decode": [(times("A"),), (times("A="),)],
}


def arguments(overload):
    """Every set of arguments for one signature: a list of functions of a size."""
    kinds = [each.kind for each in overload.parameters]
    choices = [KINDS[kind] for kind in kinds]
    most = max(map(len, choices), default=1)
    found = [tuple(each[number % len(each)] for each in choices) for number in range(most)]
    return found + [each for each in BESIDES.get(overload.name, []) if len(each) == len(kinds)]


def called(overload):
    """The signature as a call of the variables a0, a1, ..."""
    names = [f"a{number}" for number in range(len(overload.parameters))]
    if overload.member:
        return f"{names[0]}.{overload.name}({', '.join(names[1:])})"
    return f"{overload.name}({', '.join(names)})"
