"""A package adds functions to CEL. They are found when they are used, and must return what they promise."""

import pytest

from octo.expr import ExprError, Scope, compile, extra_functions, function, why  # noqa: A004 - the name of the API
from octo.expr.foreign import signatures_of
from octo.expr.shape import STRING, infer


def sign(text: str, rounds: int = 1) -> str:
    """The text, signed."""
    return f"{text}!{rounds}"


@function("string.shout() -> string")
def shout(text):
    """The text in capitals."""
    return text.upper()


@pytest.fixture
def installed():
    """Install functions by name. Return a list to which each imported name is added."""
    imported = []

    def install(**functions):
        def loader(name, found):
            def load():
                imported.append(name)
                if isinstance(found, Exception):
                    raise found
                return found

            return load

        extra_functions(lambda: {name.replace("__", "."): loader(name, each) for name, each in functions.items()})
        return imported

    yield install
    extra_functions(dict)


def run(text, value=None):
    return compile(text, Scope(("v",), {"v": "v"}))(value)


def test_an_annotated_function_is_called_like_any_other(installed):
    installed(acme__sign=sign, shout=shout)
    assert run("acme.sign(v) + acme.sign('b', 2)", "a") == "a!1b!2"
    assert run("v.shout()", "a") == "A"
    assert infer("acme.sign('a')", {}).shape == STRING
    assert infer("v.shout()", {}).shape == STRING
    assert infer("acme.sign(1)", {}).errors[0].message == "no such overload: acme.sign(int)"
    assert str(why("acme.sign('a')", Scope(()))) == "acme.sign('a')  → \"a!1\""


def test_arguments_are_checked(installed):
    installed(sign=sign)
    with pytest.raises(ExprError, match=r"no such overload: sign\(int\)"):
        run("sign(1)")
    with pytest.raises(ExprError, match="sign takes 1 or 2 arguments, found 3"):
        run("sign('a', 1, 2)")


def test_nothing_is_searched_or_imported_before_it_is_used(installed):
    imported = installed(sign=sign, other=sign)
    extra_functions(lambda: pytest.fail("searched"))
    assert run("size('a')") == 1
    imported = installed(sign=sign, other=sign)
    run("sign('a')")
    assert imported == ["sign"]


def test_a_function_of_the_language_cannot_be_replaced(installed):
    imported = installed(size=sign, nope=sign)
    assert run("size('abc')") == 3
    with pytest.raises(ExprError, match="undeclared function 'missing'"):
        run("size('abc') + missing()")
    assert imported == []


@pytest.mark.parametrize(
    ("result", "annotation", "problem"),
    [
        (1, str, "f returned an int, it promised string"),
        (True, int, "f returned a bool, it promised int"),
        (2**70, int, "f returned an int of more than 64 bits"),
        ({1}, object, "f returned a Python set, it promised dyn"),
        (None, dict, "f returned null, it promised map"),
    ],
)
def test_a_result_that_was_not_promised_is_an_error(installed, result, annotation, problem):
    def f():
        return result

    f.__annotations__["return"] = annotation
    installed(f=f)
    with pytest.raises(ExprError) as caught:
        run("f()")
    assert caught.value.message == problem


def test_an_int_is_a_fine_double(installed):
    def half(value: float) -> float:
        return value // 2

    installed(half=half)
    assert repr(run("half(v)", 5)) == "2.0"
    assert repr(run("half(5.0)")) == "2.0"


async def later() -> str:
    return ""


def bare(value):
    return value


def keyword(*, value: str) -> str:
    return value


@pytest.mark.parametrize(
    ("found", "problem"),
    [
        (ImportError("no acme"), "the function f cannot be imported: no acme"),
        (later, "the function f is a coroutine function"),
        (42, "the function f is int"),
        (bare, "the function f: the type of its result is missing"),
        (keyword, "the function f needs value by keyword, which CEL lacks"),
        (shout, "the function f calls itself shout"),
        (len, "the function f: the type of its result is missing"),
    ],
)
def test_a_function_that_cannot_be_used_says_why(installed, found, problem):
    installed(f=found)
    with pytest.raises(ExprError) as caught:
        run("f()")
    assert (caught.value.code, caught.value.message) == ("OCTO-E109", problem)


def test_signatures_follow_the_annotations():
    def many(first: "list[str]", *rest: dict | None, option: bool = False) -> object: ...

    def nothing(data: bytes, scale: float = 1.0, flag: bool = True) -> None: ...

    assert signatures_of("many", many) == ("many(list) -> dyn", "many(list, dyn...) -> dyn")
    assert signatures_of("nothing", nothing) == (
        "nothing(bytes) -> null",
        "nothing(bytes, double) -> null",
        "nothing(bytes, double, bool) -> null",
    )
