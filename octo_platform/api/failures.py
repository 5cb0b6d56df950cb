"""Every failure of a request becomes a problem as RFC 9457 writes it; what is inside of the platform stays inside."""

from __future__ import annotations

import logging
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import DBAPIError, SQLAlchemyError, TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException

from octo_platform import faults as wording
from octo_platform.deploy.target import Refused, Unreachable
from octo_platform.problem import Problem
from octo_platform.storage.database import Away
from octo_platform.storage.sealing import Unsealable

log = logging.getLogger("octo.platform")

MEDIA = "application/problem+json"
_OF_STATUS = {404: "not-found", 405: "wrong-method", 408: "too-slow", 413: "too-large", 415: "wrong-type"}
_MOST_FAULTS = 20


def install(app: FastAPI) -> None:
    """Register what follows on each kind of failure."""
    app.add_exception_handler(Problem, _of_problem)
    app.add_exception_handler(RequestValidationError, _of_validation)
    app.add_exception_handler(HTTPException, _of_http)
    app.add_exception_handler(Unreachable, _of_target)
    app.add_exception_handler(Refused, _of_refusal)
    app.add_exception_handler(SQLAlchemyError, _of_database)
    app.add_exception_handler(Unsealable, _of_key)
    app.add_exception_handler(Exception, _of_bug)


def answer(problem: Problem) -> JSONResponse:
    return JSONResponse(problem.as_json(), problem.status, problem.headers, MEDIA)


async def _of_problem(request: Request, error: Exception) -> JSONResponse:  # noqa: ARG001
    assert isinstance(error, Problem)
    return answer(error)


async def _of_validation(request: Request, error: Exception) -> JSONResponse:  # noqa: ARG001
    assert isinstance(error, RequestValidationError)
    found = error.errors()
    if any(each["type"] == "json_invalid" for each in found):
        return answer(Problem("malformed", "the body is not valid JSON"))
    if any(each["loc"] == ("body",) and isinstance(each.get("input"), bytes) for each in found):
        return answer(Problem("wrong-type", "send JSON, with the header `Content-Type: application/json`"))
    faults = [_fault(each) for each in found[:_MOST_FAULTS]]
    where = faults[0]["where"] if faults else ""
    return answer(Problem("invalid", f"{where}: {faults[0]['what']}" if faults else "", faults=faults))


def _fault(error: Any) -> dict[str, str]:
    """Where and what, without the value that was sent: it may be a secret."""
    return {"where": ".".join(map(str, error["loc"][1:])) or str(error["loc"][0]), "what": wording.told(error)}


async def _of_http(request: Request, error: Exception) -> JSONResponse:  # noqa: ARG001
    assert isinstance(error, HTTPException)
    problem = Problem(_OF_STATUS.get(error.status_code, "malformed"))
    return answer(problem.with_headers(error.headers or {}))


async def _of_target(request: Request, error: Exception) -> JSONResponse:  # noqa: ARG001
    return answer(Problem("target-unavailable", str(error)))


async def _of_refusal(request: Request, error: Exception) -> JSONResponse:  # noqa: ARG001
    return answer(Problem("conflict", str(error)))


async def _of_key(request: Request, error: Exception) -> JSONResponse:
    log.error("a sealed value cannot be opened", extra={"fields": {"request": _id(request), "error": str(error)}})
    return answer(Problem("no-key", "a key that sealed what is stored is missing"))


async def _of_database(request: Request, error: Exception) -> JSONResponse:
    if isinstance(error, Away):
        return answer(Problem("busy", "the database cannot be reached").with_headers({"Retry-After": "1"}))
    if isinstance(error, PoolTimeout) or _is_busy(error):
        return answer(Problem("busy").with_headers({"Retry-After": "1"}))
    if _is_unwritable(error):
        log.error("the database takes no writes", extra={"fields": {"request": _id(request), "error": _first(error)}})
        return answer(Problem("cannot-store", "the disk of the database is full, or it can only be read"))
    if isinstance(error, DBAPIError) and _is_value(error):
        return answer(Problem("invalid", "a value cannot be stored"))
    return await _of_bug(request, error)


def _is_busy(error: Exception) -> bool:
    text = str(getattr(error, "orig", "")).lower()
    return any(
        each in text for each in ("database is locked", "too many connections", "deadlock", "serialize", "connection")
    )


def _is_unwritable(error: Exception) -> bool:
    text = _first(error).lower()
    found = ("disk is full", "readonly database", "disk i/o error", "no space left", "read-only transaction")
    return any(each in text for each in found)


def _first(error: Exception) -> str:
    """What the database says, without the statement and its values."""
    return str(getattr(error, "orig", "")).partition("\n")[0][:300]


def _is_value(error: DBAPIError) -> bool:
    return type(error).__name__ == "DataError" or "invalid byte sequence" in str(error.orig)


async def _of_bug(request: Request, error: Exception) -> JSONResponse:
    id_ = _id(request)
    log.error("a request failed", exc_info=error, extra={"fields": {"request": id_, "path": request.url.path}})
    return answer(Problem("internal", f"the log of the platform says more, at request {id_}"))


def _id(request: Request) -> str:
    found: str = getattr(request.state, "id", "")
    return found
