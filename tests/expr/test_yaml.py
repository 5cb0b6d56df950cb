"""YAML as data: what it means, that it comes back, and that reading it ends soon."""

import pytest
import yaml as library
from hypothesis import HealthCheck, given, settings, strategies as st

from octo.config import yaml as configuration
from octo.config.report import Report
from octo.expr import ExprError, yaml
from octo.expr.limits import MAX_NODES, Exhausted


def nested_merges(levels):
    lines = ["a0: &a0 {x: 1}"]
    lines += [f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}" for n in range(1, levels)]
    return "\n".join(lines)


@pytest.mark.parametrize("text", [nested_merges(9), "<<: {a: 1}", "!!merge <<: {a: 1}"])
def test_a_merge_key_is_refused(text):
    """453 bytes with nested merge keys took 24 seconds and 256 MB."""
    with pytest.raises(ExprError, match="merge key has no meaning in data at line"):
        yaml.read(text)


def test_a_quoted_merge_key_is_a_key_and_the_word_is_a_text():
    assert yaml.read("'<<': <<") == {"<<": "<<"}


class Counted:
    """A loader that counts what it is asked for."""

    def __init__(self, text):
        self.events = 0
        self.loader = library.CSafeLoader(text)

    def get_event(self):
        self.events += 1
        return self.loader.get_event()

    def construct_object(self, node):
        return self.loader.construct_object(node)


HOSTILE = {
    "a flat list": "[" + "a," * 500_000 + "]",
    "dates": "- 2020-01-01\n" * 80_000,
    "numbers in base 60": "[" + "1:1," * 250_000 + "]",
    "empty keys": "".join(f"{n}a:\n" for n in range(140_000)),
    "one alias": "- &a x\n" + "- *a\n" * 250_000,
    "nested aliases": "- &a0 [x]\n" + "\n".join(f"- &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 40)),
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_the_number_of_values_has_a_bound(text, monkeypatch):
    loaders = []
    monkeypatch.setattr(yaml, "_loader", lambda: lambda text: loaders.append(Counted(text)) or loaders[0])
    with pytest.raises(Exhausted):
        yaml.read(text)
    assert loaders[0].events <= MAX_NODES + 10


@pytest.mark.parametrize("text", ["[" * 100_000, "- " * 100_000, "? " * 100_000, "{a: " * 100_000])
def test_nesting_is_refused_long_before_the_end(text, monkeypatch):
    """The library takes quadratic time for a deep nesting."""
    loaders = []
    monkeypatch.setattr(yaml, "_loader", lambda: lambda text: loaders.append(Counted(text)) or loaders[0])
    with pytest.raises(ExprError, match="nested too deeply"):
        yaml.read(text)
    assert loaders[0].events < 5_000


def test_many_directives_are_refused_before_they_are_read():
    """The library compares each with all others."""
    with pytest.raises(ExprError, match="more than 100 directives"):
        yaml.read("".join(f"%TAG !{n}! x\n" for n in range(101)) + "--- a")


@pytest.mark.parametrize("text", ["1:" * 300 + "1", "9" * 401, "1_" * 300])
def test_a_very_long_word_is_a_text(text):
    assert yaml.read(text) == text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("a: ~\nb:\nc: null", {"a": None, "b": None, "c": None}),
        ("[true, 1, -2, 1.5, 0x10, 'x', \"y\"]", [True, 1, -2, 1.5, 16, "x", "y"]),
        ("a: !!str 1\nb: !!binary aGk=\nc: 2001-01-02", {"a": "1", "b": "aGk=", "c": "2001-01-02T00:00:00Z"}),
        ("a: |\n  x\n  y\n", {"a": "x\ny\n"}),
        ("&k a: *k\n", {"a": "a"}),
        ("=: =", {"=": "="}),
        ("a: yes\nno: on\nb: off", {"a": "yes", "no": "on", "b": "off"}),
        ("[1:30, 0o17, 017, 1_000, 2020-99-99, 12e03, .5]", ["1:30", 15, 15, 1000, "2020-99-99", 12000.0, 0.5]),
    ],
)
def test_what_a_text_means(text, value):
    assert yaml.read(text) == value


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: 1\n---\nb", "a second document begins at line 2, column 1"),
        ("*x", "an alias stands for nothing at line 1, column 1"),
        ("!!set {a}", "the tag of a list or map has no JSON form"),
        ("!!bool x", "the value does not fit its tag !!bool at line 1, column 1"),
        ("!!timestamp x", "does not fit its tag !!timestamp"),
        ("!!python/object:os.system x", "does not fit its tag !!python/object:os.system"),
        ("!own x", "an unknown tag at line 1, column 1"),
        ("a: 1\nb: 2\na: 3", "the key 'a' is repeated at line 3, column 1"),
        ("1: a", "a YAML key must be a string, found 1"),
        ("? [a]\n: b", "a YAML key must be a string, found a list or map"),
        ("a: [}", "at line 1, column 5"),
    ],
)
def test_what_is_no_data_is_an_expression_error(text, problem):
    with pytest.raises(ExprError) as caught:
        yaml.read(text)
    assert caught.value.code == "OCTO-E206"
    assert problem in caught.value.message


TEXTS = st.text(st.sampled_from("a \n:#-'\"é\t1~\u2028\x85\x00[{&*!|>%@`?,<=\ufeff\r😀"), max_size=6) | st.text()
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(VALUES)
def test_a_value_comes_back(value):
    assert yaml.read(yaml.write(value)) == value


def test_a_text_like_a_number_is_quoted_and_blocks_are_used():
    value = {"a": "1", "b": [2, {"c": "yes", "d": None}], "e": [], "f": {}}
    assert yaml.write(value) == "a: '1'\nb:\n- 2\n- c: 'yes'\n  d: null\ne: []\nf: {}\n"


def test_writing_has_the_same_bound():
    with pytest.raises(Exhausted):
        yaml.write(["x"] * (MAX_NODES + 1))


@settings(deadline=None)
@given(st.text("0123456789oxabefiylnsuYNFt_:+-.~ T", max_size=12))
def test_a_bare_word_means_the_same_in_data_and_in_a_configuration(word):
    """The configuration's own rules say what a word is; see `octo.config.yaml`."""
    file = configuration.read(f"a: {word}".encode(), "flow.yaml", Report())
    if file is not None and isinstance(file.root.value, dict):
        assert repr(yaml.read(f"a: {word}")["a"]) == repr(plain(file.root.value["a"]))


def plain(node):
    if isinstance(node.value, dict):
        return {key: plain(each) for key, each in node.value.items()}
    return [plain(each) for each in node.value] if isinstance(node.value, list) else node.value


@given(st.text("0123456789oxabefiylnsuYNFt_:+-.~ ", max_size=12))
def test_a_text_is_a_text_to_readers_of_yaml_1_1_too(word):
    assert library.safe_load(yaml.write([word])) == [word]
