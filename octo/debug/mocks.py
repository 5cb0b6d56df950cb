"""Mocks: fixed results that replace a block.

    cases:
      - {when: body.amount > 100, error: declined}
      - {when: vars.attempt == 1, error: {message: no answer, type: Timeout}}
    default: {body: {id: c1}, vars: {statusCode: 200}}

With `stop: true` beside a body the flow ends with it. With `contentType` the body, a text or bytes (`!!binary`), is raw
content of this type, as a connector brings it.

The first case whose `when` is true applies, else the default; without a default the block fails. The short form is
the default alone: `{body: {id: c1}}`. `body: null` returns null, which is not the same as no body.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from octo.core import written
from octo.core.errors import NotConnected, OctoError, Overloaded, Permanent, Timeout, Transient
from octo.core.expressions import Build, Expr, compile_expr
from octo.core.flow import Drop, Outcome, Stop
from octo.core.message import Message
from octo.debug import codes
from octo.engine.step import Step
from octo.expr import ExprError, nearest

KINDS: Mapping[str, type[OctoError]] = {
    kind.__name__: kind for kind in (Permanent, Transient, Timeout, NotConnected, Overloaded)
}
"""The kinds of errors that a mock can fail with. The first is the default."""
_ERROR = ("message", "type", "code", "status")
_ANSWERS = ("body", "error", "drop")
_BESIDE_A_BODY = ("vars", "contentType", "stop")
_NO_ENV: Mapping[str, str] = {}


class MockError(ValueError):
    """A mock specification that is invalid. path: the keys from the specification down to the mistake."""

    def __init__(self, message: str, path: tuple[str | int, ...] = ()) -> None:
        super().__init__(message)
        self.path = path


class Reply(NamedTuple):
    """The message continues with this body, raw or not; these variables are added to its own and replace them.

    stop: whether the flow ends with this message.
    """

    body: object
    vars: Mapping[str, object] = _NO_ENV
    raw: bool = False
    stop: bool = False


class Error(NamedTuple):
    """The block fails with this text. kind, code, status: as in `octo.core.errors`; without a code it is the kind's."""

    text: str
    kind: str = "Permanent"
    code: str | None = None
    status: int | None = None

    def made(self) -> OctoError:
        error = KINDS[self.kind](self.text)
        error.code, error.status = self.code or error.code, self.status
        return error


class MockCase(NamedTuple):
    """A case of a mock, or its default. when: None for the default."""

    when: Expr[bool] | None
    answer: Reply | Error | Drop


class Mock(NamedTuple):
    """What replaces a mocked block."""

    cases: tuple[MockCase, ...] = ()
    default: MockCase | None = None


def mocked(step: Step, mock: Mock, address: str) -> Step:
    """Return the step with the mock instead of its block. Label and address stay, so errors name the block."""

    def answer(message: Message) -> Outcome:
        for number, case in enumerate(mock.cases, 1):
            if _applies(case, number, message):
                return _answer(case, message)
        if mock.default is None:
            text = f"no mock case matched, and there is no default for {address}"
            raise Permanent(text, code=codes.UNMATCHED)
        return _answer(mock.default, message)

    return step._replace(call=answer, expressions=(), connector=None)


def _applies(case: MockCase, number: int, message: Message) -> bool:
    if case.when is None:
        return True
    try:
        return case.when(message)
    except ExprError as error:
        raise Permanent(f"`when` of mock case {number}: {error}", code=error.code) from error


def _answer(case: MockCase, message: Message) -> Outcome:
    answer = case.answer
    if isinstance(answer, Drop):
        return answer
    if isinstance(answer, Error):
        raise answer.made()
    replied = message.with_body(answer.body, raw=answer.raw).with_vars({**message.vars, **answer.vars})
    return Stop(replied) if answer.stop else replied


# --- reading -----------------------------------------------------------------------------------------------------


def parse(spec: object, where: str, env: Mapping[str, str] = _NO_ENV) -> Mock:
    """Return the mock that plain data describes. Raises `MockError`, a ValueError, that says what to change.

    where: named in errors, e.g. the address. env: the values of `env.NAME` in the expressions of `when`.
    """
    try:
        return _mock(spec, Build(env))
    except MockError as error:
        raise MockError(f'mock "{where}": {error}', error.path) from None


def _mock(spec: object, build: Build) -> Mock:
    if not isinstance(spec, dict):
        raise MockError("expected a mapping with `cases` and `default`")
    if spec and not spec.keys() & {"cases", "default"}:
        return Mock(default=_case(spec, build, ()))
    _known(spec, ("cases", "default"), ())
    written = spec.get("cases") or []
    if not isinstance(written, list):
        raise MockError("`cases` must be a list", ("cases",))
    cases = tuple(_case(each, build, ("cases", index)) for index, each in enumerate(written))
    default = None if spec.get("default") is None else _case(spec["default"], build, ("default",))
    if not cases and default is None:
        raise MockError("it is empty; give it at least one case, or a default")
    return Mock(cases, default)


def _case(spec: object, build: Build, path: tuple[str | int, ...]) -> MockCase:
    what = _said(path)
    if not isinstance(spec, dict):
        raise MockError(f"{what} must be a mapping", path)
    is_case = path[:1] == ("cases",)
    _known(spec, ("when", *_ANSWERS, *_BESIDE_A_BODY), path)
    if not is_case and spec.get("when") is not None:
        raise MockError(f"{what} must not have `when`; a condition belongs to a case", (*path, "when"))
    when = _when(spec, build, path) if is_case else None
    return MockCase(when, _read_answer(spec, path))


def _when(spec: Mapping[str, object], build: Build, path: tuple[str | int, ...]) -> Expr[bool]:
    if spec.get("when") is None:
        raise MockError(f"{_said(path)} needs `when`; put what applies to every message under `default`", path)
    try:
        return compile_expr(spec["when"], bool, build.scope())
    except ValueError as error:
        raise MockError(f"`when` of {_said(path)}: {error}", (*path, "when")) from None


def _read_answer(spec: Mapping[str, object], path: tuple[str | int, ...]) -> Reply | Error | Drop:
    what = _said(path)
    given = [key for key in _ANSWERS if key in spec and not (key == "drop" and spec[key] is False)]
    if len(given) != 1:
        found = " and ".join(f"`{key}`" for key in given) or "none"
        raise MockError(f"{what} needs exactly one of `body`, `error` and `drop`, found {found}", path)
    for key in _BESIDE_A_BODY:
        if key in spec and given != ["body"]:
            raise MockError(f"`{key}` of {what} needs a `body` beside it", (*path, key))
    return _READ[given[0]](spec, path)


def _reply(spec: Mapping[str, object], path: tuple[str | int, ...]) -> Reply:
    variables = {} if spec.get("vars") is None else spec["vars"]
    if not isinstance(variables, dict):
        raise MockError(f"`vars` of {_said(path)} must be a mapping", (*path, "vars"))
    stop = spec.get("stop", False)
    if not isinstance(stop, bool):
        raise MockError(f"`stop` of {_said(path)} must be `true` or `false`", (*path, "stop"))
    try:
        content_type = spec.get("contentType")
        return Reply(written.body(spec["body"], content_type), variables, content_type is not None, stop)
    except ValueError as error:
        raise MockError(f"{_said(path)}: {error}", (*path, "contentType")) from None


def _error(spec: Mapping[str, object], path: tuple[str | int, ...]) -> Error:
    given, what, inside = spec["error"], f"`error` of {_said(path)}", (*path, "error")
    if isinstance(given, str):
        return Error(given)
    if not isinstance(given, dict):
        raise MockError(f"{what} must be a text, or a mapping with `message`", inside)
    _known(given, _ERROR, inside)
    text, kind, code, status = (given.get(key) for key in _ERROR)
    if not isinstance(text, str):
        raise MockError(f"{what} needs a `message`, a text", inside)
    if kind is not None and kind not in list(KINDS):
        guess = nearest(str(kind), KINDS)
        hint = f"did you mean `{guess}`?" if guess else f"known: {', '.join(KINDS)}"
        raise MockError(f"`type` of {what}: there is no `{kind}`; {hint}", (*inside, "type"))
    if code is not None and not isinstance(code, str):
        raise MockError(f"`code` of {what} must be a text", (*inside, "code"))
    if status is not None and (isinstance(status, bool) or not isinstance(status, int)):
        raise MockError(f"`status` of {what} must be a number", (*inside, "status"))
    return Error(text, kind or Permanent.__name__, code, status)


def _drop(spec: Mapping[str, object], path: tuple[str | int, ...]) -> Drop:
    if spec["drop"] is not True:
        raise MockError(f"`drop` of {_said(path)} must be `true`", (*path, "drop"))
    return Drop("mocked")


_READ: dict[str, Callable[[Mapping[str, object], tuple[str | int, ...]], Reply | Error | Drop]] = {
    "body": _reply,
    "error": _error,
    "drop": _drop,
}


def _known(spec: Mapping[str, object], keys: tuple[str, ...], path: tuple[str | int, ...]) -> None:
    for key in spec:
        if key not in keys:
            guess = nearest(str(key), keys)
            hint = f"did you mean `{guess}`?" if guess else f"known: {', '.join(keys)}"
            raise MockError(f"{_said(path)} has no key `{key}`; {hint}", (*path, str(key)))


def _said(path: tuple[str | int, ...]) -> str:
    if path[:1] == ("cases",):
        return f"case {int(path[1]) + 1}"
    return "the default" if path else "it"
