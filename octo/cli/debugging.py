"""`octo invoke` with a breakpoint, spies, mocks or the envelope."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import NamedTuple

import click

from octo.cli import exits
from octo.cli.ending import attempt, check_flow, encode, report, write
from octo.cli.given import Given, read_mapping, read_option
from octo.cli.project import refuse
from octo.cli.terminal import say
from octo.config.documents import Config
from octo.core.errors import ConfigError, OctoError, Problem
from octo.core.flow import Ending, Halt
from octo.core.message import Message
from octo.core.secrets import masked
from octo.debug import AddressError, Crossing, Debug, DebugConfig, Mock, config_file, envelope, mocks
from octo.engine.connections import StartError


class Options(NamedTuple):
    """The options of `octo invoke` for debugging."""

    break_at: str | None = None
    spies: str | None = None
    mocks: str | None = None
    run_debug_config: str | None = None
    envelope: bool = False
    envelope_out: str | None = None
    whole: bool = False
    raw: bool = False


def debug(config: Config, flow: str, given: Given, seconds: float, options: Options) -> int:
    """Call the flow and watch it. Return the exit code."""
    check_flow(config, flow)
    try:
        wanted = _wanted(config, options)
        watch = _watch(config, flow, wanted)
    except OctoError as error:
        refuse(error)
        return exits.USAGE
    message = _message(given, wanted)
    outcome = asyncio.run(_run(watch, flow, message, seconds))
    if options.envelope or options.envelope_out:
        return _hand_over(outcome, watch, options.envelope_out)
    for address, crossings in watch.spies.items():
        _show(address, crossings)
    return _tell(outcome, watch, options)


def _wanted(config: Config, options: Options) -> DebugConfig:
    """The debug configuration of the file; an option replaces its part."""
    found = DebugConfig()
    if options.run_debug_config is not None:
        found = config_file.read(Path(options.run_debug_config), config.env)
    if options.break_at is not None:
        found = found._replace(break_at=options.break_at)
    if options.spies is not None:
        found = found._replace(spies=tuple(filter(None, map(str.strip, options.spies.split(",")))))
    if options.mocks is not None:
        found = found._replace(mocks=_mocks(options.mocks, config))
    return found


def _watch(config: Config, flow: str, wanted: DebugConfig) -> Debug:
    try:
        return Debug(config, flow, spies=wanted.spies, mocks=wanted.mocks, break_at=wanted.break_at)
    except AddressError as error:
        if error.address not in wanted.places:
            raise
        raise ConfigError([Problem(error.code, wanted.places[error.address], str(error))]) from None


def _mocks(text: str, config: Config) -> dict[str, Mock]:
    specs = read_mapping(*read_option(text, "--mocks"))
    try:
        return {address: mocks.parse(spec, address, config.env) for address, spec in specs.items()}
    except mocks.MockError as error:
        raise click.UsageError(str(error)) from None


def _message(given: Given, wanted: DebugConfig) -> Message:
    """The message to send. Options win over the file, and the file wins over standard input."""
    variables = wanted.vars if given.variables is None else given.vars
    if given.data is None and wanted.has_data:
        return Message(wanted.data, variables, raw=wanted.raw)
    return given.message().with_vars(variables)


async def _run(watch: Debug, flow: str, message: Message, seconds: float) -> Ending | Exception | Halt:
    try:
        return await attempt(watch.config, flow, message, seconds, watch)
    except Halt as halt:
        return halt


# --- what is shown -----------------------------------------------------------------------------------------------


def _hand_over(outcome: Ending | Exception | Halt, watch: Debug, path: str | None) -> int:
    if isinstance(outcome, StartError):
        refuse(outcome)
        return exits.USAGE
    found = envelope(outcome, watch)
    if path is None:
        write(found, indent=sys.stdout.isatty())
        return exits.DONE
    try:
        # Messages may be confidential: only the owner may read the file.
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(encode(found))
    except OSError as error:
        raise click.UsageError(f"cannot write {path}: {error.strerror}") from None
    return exits.DONE


def _tell(outcome: Ending | Exception | Halt, watch: Debug, options: Options) -> int:
    if watch.reached is not None:
        write(watch.reached.as_json())
        return exits.DONE
    assert not isinstance(outcome, Halt)
    if isinstance(outcome, Message) and watch.reached_block:
        say(f'the flow completed without reaching "{watch.reached_block}"', err=True)
        return exits.DROPPED
    return report(outcome, whole=options.whole, raw=options.raw)


def _show(address: str, crossings: list[Crossing]) -> None:
    if not crossings:
        say(f"spy {address}: nothing crossed it", err=True)
    for number, each in enumerate(crossings, 1):
        say(masked(f"spy {address}, crossing {number}\n  in   {_line(each.input)}\n  {_left(each)}"), err=True)


def _left(crossing: Crossing) -> str:
    if crossing.output is not None:
        return f"out  {_line(crossing.output)}"
    if crossing.dropped is not None:
        return f"drop {crossing.dropped}".rstrip()
    return f"fail {crossing.error}" if crossing.error is not None else "never came out"


def _line(message: Message) -> str:
    variables = {"vars": message.vars} if message.vars else {}
    return encode({"body": message.body, **variables}).decode().rstrip("\n")
