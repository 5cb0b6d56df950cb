"""`octo test`: run the cases of test files against the flows beside them."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from octo.cli import exits, exploration
from octo.cli.cassettes import drifted, recorded
from octo.cli.exploration import Cover
from octo.cli.help import Verb
from octo.cli.named import expanded, refuse_testless, told
from octo.cli.project import Number, coloured, refuse, written
from octo.cli.stored import store_option
from octo.cli.suites import configurations, env_file
from octo.cli.terminal import say
from octo.core.errors import ConfigError, Position, Problem

if TYPE_CHECKING:
    from octo.engine.modules import Modules
    from octo.suite import Case, Cassettes, Configs, Outcome, Plan
    from octo.suite.choose import Choice
    from octo.suite.coverage import Coverage
    from octo.suite.reproduce import Reproduction

INTERRUPTED = 130
_NEEDS = {"examples": "generate", "seed": "generate", "store": "from_trace", "out": "from_trace"}
_FILE = click.Path(path_type=Path, dir_okay=False)
_FOLDER = click.Path(path_type=Path, file_okay=False)


class Options(NamedTuple):
    """The options of the command line."""

    paths: tuple[Path, ...]
    config: Path | None
    env_file: Path | None
    junit: Path | None
    json: Path | None
    traces_dir: Path | None
    parallel: int
    fail_fast: bool
    verbose: bool
    choice: Choice | None
    cover: Cover
    generate: bool
    examples: int
    seed: int
    chaos: bool
    record: bool
    drift: bool

    @property
    def is_live(self) -> bool:
        """Whether real systems are called."""
        return self.record or self.drift


def _choice(_: click.Context, __: click.Parameter, value: str | None) -> Choice | None:
    if value is None:
        return None
    from octo.suite.choose import pattern

    try:
        return pattern(value)
    except ValueError as error:
        raise click.BadParameter(f"{value!r}: {error}; write words with `and`, `or`, `not`") from None


@click.command(
    "test",
    cls=Verb,
    epilog="""\b
Examples:
  octo test                 the tests of this folder
  octo test flow.yaml       those of one flow file, flow_test.yaml
  octo test -k declined -v  the cases with `declined` in their names, with the log
  octo test --generate      look for a message that breaks a flow""",
)
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[PATH]...")
@click.option("--config", "-c", type=click.Path(path_type=Path), help="Flow file or folder that all test files test.")
@click.option("--env-file", type=_FILE, help="File of NAME=value lines, which override the environment.")
@click.option(
    "-k",
    "choice",
    metavar="PATTERN",
    callback=_choice,
    help='Run only cases whose file::name matches: a and not b; ="b" is a whole name.',
)
@click.option("--list", "lists", is_flag=True, help="Print the names of the cases and run none.")
@click.option("--watch", is_flag=True, help="Run again whenever a test file, its flows or their modules change.")
@click.option("--parallel", type=click.IntRange(1, 256), default=os.cpu_count() or 1, help="Cases at a time.")
@click.option("--fail-fast", is_flag=True, help="Start no further case after one has failed.")
@click.option("--junit", type=_FILE, help="Write a JUnit report.")
@click.option("--report-json", "json", type=_FILE, help="Write everything that happened as JSON.")
@click.option("--traces-dir", type=_FOLDER, help="Write a trace of each case.")
@click.option("--cover", is_flag=True, help="Show which blocks, branches, error paths and decisions were covered.")
@click.option("--cover-min", type=Number(0, 100), metavar="PERCENT", help="Fail if less is covered.")
@click.option("--cover-html", type=_FOLDER, help="Write an HTML page that shows each flow and what was covered.")
@click.option("--cover-json", type=_FILE, help="Write the coverage as JSON.")
@click.option(
    "--generate",
    is_flag=True,
    help="Generate messages from the flow's `input:` and look for one that breaks a contract.",
)
@click.option("--examples", type=click.IntRange(1, 1_000_000), default=200, help="Messages to generate per flow.")
@click.option("--seed", type=int, default=0, help="Another seed generates other messages.")
@click.option(
    "--chaos", is_flag=True, help="Let each outside call fail, hang, be slow and happen twice; show what is lost."
)
@click.option("--record", is_flag=True, help="Call what the cassettes do not have, and write it into them.")
@click.option("--drift", is_flag=True, help="Call everything that the cassettes have again, and show what has changed.")
@click.option("--from-trace", metavar="ID", help="Make a test from the recorded message with this event or trace id.")
@store_option
@click.option("--out", type=_FILE, help="Write the test of --from-trace to this file instead of printing it.")
@click.option("--verbose", "-v", is_flag=True, help="Print passed cases too, and the log as it comes.")
def command(  # noqa: PLR0913, PLR0917  one parameter per option
    paths: tuple[Path, ...],
    lists: bool,
    watch: bool,
    cover: bool,
    cover_min: float | None,
    cover_html: Path | None,
    cover_json: Path | None,
    from_trace: str | None,
    store: str,
    out: Path | None,
    **rest: object,
) -> None:
    """Run the cases of test files. For a folder: its *_test.yaml files; for a flow file: the one beside it.

    Without a path, the current folder is used.

    Exit codes: 0 all passed, 1 a case failed or a called system has changed, 2 a case could not run or
    something is wrong with a file.
    """
    _refuse_idle_options(generate=bool(rest["generate"]), from_trace=from_trace is not None)
    if rest["generate"] and find_spec("hypothesis") is None:
        raise click.UsageError("--generate needs the package hypothesis: pip install 'octo-flows[test]'")
    if not paths and from_trace is None:
        refuse_testless()
    _refuse_live_with(watch=watch, from_trace=from_trace is not None, **rest)
    wanted = Cover(cover, cover_min, cover_html, cover_json)
    options = Options(tuple(expanded(paths)) or (Path(),), cover=wanted, **rest)  # type: ignore[arg-type]
    if from_trace is not None:
        sys.exit(exploration.from_trace(from_trace, store, options.config or options.paths[0], configurations(), out))
    if lists:
        sys.exit(_list(options))
    if watch:
        sys.exit(_watch(options))
    try:
        sys.exit(_once(options, partial(_read, options)))
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def _refuse_idle_options(**given: bool) -> None:
    """Refuse an option that does nothing without another one, if the other one is missing."""
    ctx = click.get_current_context()
    for name, needed in _NEEDS.items():
        if ctx.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE and not given[needed]:
            option = next(each.opts[0] for each in ctx.command.params if each.name == name)
            raise click.UsageError(f"{option} does nothing without --{needed.replace('_', '-')}")


def _refuse_live_with(**given: object) -> None:
    """Refuse what must not call a real system: it would do so again and again, or with messages nobody thought of."""
    live = [name for name in ("record", "drift") if given[name]]
    others = [
        name for name in ("drift", "watch", "generate", "chaos", "from_trace") if given[name] and name not in live[:1]
    ]
    if live and others:
        raise click.UsageError(f"--{live[0]} cannot be used with --{others[0].replace('_', '-')}")


def _list(options: Options) -> int:
    from octo.suite.console import listed

    asked = _planned(options, partial(_read, options))
    for line in listed(asked.plan.cases) if asked else ():
        say(line)
    return exits.DONE if asked else exits.USAGE


def _once(options: Options, read: Callable[[], Asked]) -> int:
    """Run everything once; return the exit code."""
    from octo.suite import exit_code
    from octo.suite.reproduce import Reproduction

    asked = _planned(options, read)
    if asked is None:
        return exits.USAGE
    plan, configs, coverage, cassettes = asked
    if not plan.cases:
        _nothing_chosen(options, plan)
        return exits.USAGE
    if options.traces_dir is not None:
        _prepare(options.traces_dir, plan)
    reproduction = Reproduction(options.env_file)
    began = time.perf_counter()
    found: dict[str, Outcome] = {}
    try:
        _run(options, plan, configs, reproduction, found, coverage)
    except KeyboardInterrupt:
        _finish(options, plan, found, time.perf_counter() - began, reproduction.folder)
        recorded(cassettes)
        raise
    reported = _finish(options, plan, found, time.perf_counter() - began, reproduction.folder)
    taped = drifted(cassettes) if options.drift else recorded(cassettes)
    return max(exit_code(found.values()), reported, taped, _beyond(options, plan, configs, coverage))


def _nothing_chosen(options: Options, plan: Plan) -> None:
    from octo.suite.codes import NOTHING

    say("no case fits -k", err=True)
    at = Position(" ".join(map(str, options.paths)))
    _report(options, plan, (), 0.0, problems=[Problem(NOTHING, at, "no case fits -k")])


def _prepare(folder: Path, plan: Plan) -> None:
    from octo.suite.traces import prepare

    try:
        prepare(folder, plan.cases)
    except OSError as error:
        raise click.BadParameter(f"cannot write into {folder}: {error.strerror}", param_hint="--traces-dir") from None


def _coverage(options: Options) -> Coverage | None:
    if not options.cover.is_wanted:
        return None
    from octo.suite.coverage import Coverage

    return Coverage()


def _beyond(options: Options, plan: Plan, configs: Configs, coverage: Coverage | None) -> int:
    """Do what the options ask for besides running cases. Return the exit code."""
    from octo.suite.logs import quiet
    from octo.suite.plan import repeating

    codes = [exits.DONE]
    if coverage is not None:
        codes.append(exploration.covered(options.cover, coverage))
    plan = repeating(plan)
    with nullcontext() if options.verbose else quiet():
        if options.generate:
            codes.append(exploration.generated(plan, configs, options.examples, options.seed, _echo, coloured()))
        if options.chaos:
            codes.append(exploration.faulted(plan, configs, _echo, coloured()))
    return max(codes)


def _run(
    options: Options,
    plan: Plan,
    configs: Configs,
    reproduction: Reproduction,
    found: dict[str, Outcome],
    coverage: Coverage | None,
) -> None:
    """Run the cases and put their outcomes into `found`, by id. After an interrupt it holds those until then."""
    from octo.core import log
    from octo.suite import run_all
    from octo.suite.console import Console
    from octo.suite.logs import quiet

    log.reserve_stdout()
    log.check_lines()
    if options.verbose:
        log.configure()
    console = Console(plan.suites, _echo, style=coloured(), verbose=options.verbose)

    def done(outcome: Outcome) -> None:
        outcome = found[outcome.case.id] = reproduction.of(outcome)
        console.done(outcome)

    with nullcontext() if options.verbose else quiet():
        run_all(
            plan.cases,
            partial(_run_one, configs, options.traces_dir, coverage),
            done,
            # One after the other: what one case has recorded, the next one need not ask for again.
            parallel=1 if options.is_live else options.parallel,
            fail_fast=options.fail_fast,
        )


def _run_one(configs: Configs, traces: Path | None, coverage: Coverage | None, case: Case) -> Outcome:
    from octo.suite import run_case
    from octo.suite.traces import recording

    observers = [] if coverage is None else [coverage]
    if traces is None:
        return run_case(case, configs, observers=observers)
    with recording(traces, case) as recorder:
        return run_case(case, configs, observers=[recorder, *observers])


def _finish(options: Options, plan: Plan, found: Mapping[str, Outcome], seconds: float, folder: Path | None) -> int:
    from octo.suite.console import summary

    outcomes = [found[case.id] for case in plan.cases]
    say()
    _echo(summary(outcomes, seconds, coloured()))
    if folder is not None:
        say(f"\nthe runs are in {folder}")
    return _report(options, plan, outcomes, seconds, folder)


def _report(
    options: Options,
    plan: Plan,
    outcomes: Sequence[Outcome],
    seconds: float,
    folder: Path | None = None,
    problems: Sequence[Problem] = (),
) -> int:
    """Write the reports that the options ask for. Return the exit code."""
    worked = True
    if options.junit:
        from octo.suite.junit import junit

        report = junit(plan.suites, outcomes, seconds, problems)
        worked &= written(options.junit, lambda path: path.write_bytes(report))
    if options.json:
        from octo.suite.results import results

        value = results(plan.suites, outcomes, seconds, folder=folder, problems=problems)
        worked &= written(options.json, lambda path: path.write_bytes(value))
    return exits.DONE if worked else exits.USAGE


# --- what is to be run -------------------------------------------------------------------------------------------


class Asked(NamedTuple):
    """What to run, freshly read."""

    plan: Plan
    configs: Configs
    coverage: Coverage | None
    cassettes: Cassettes


def _planned(options: Options, read: Callable[[], Asked]) -> Asked | None:
    """What to run. If something is wrong, report it and return None."""
    from octo.suite import Plan

    try:
        return read()
    except ConfigError as error:
        refuse(error)
        if hint := told(error, options.paths, "test"):
            say(hint, err=True)
        _report(options, Plan((), ()), (), 0.0, problems=error.problems)
        return None


def _read(options: Options, files: set[Path] | None = None, modules: Modules | None = None) -> Asked:
    """Read what to run. Raises `ConfigError`.

    files: the files that were read are added to it, even when it raises. modules: follows those beside the flows.
    """
    from octo.suite import Cassettes, plan

    files = set() if files is None else files
    cassettes = Cassettes("record" if options.record else "drift" if options.drift else "replay")
    coverage = _coverage(options)
    configs = configurations(coverage, modules)
    try:
        env = env_file(options.env_file)
        found = plan(options.paths, configs, config=options.config, env=env, choice=options.choice, cassettes=cassettes)
    finally:
        files.update(configs.watched)
    files.update(found.watched)
    return Asked(found, configs, coverage, cassettes)


# --- again and again ---------------------------------------------------------------------------------------------


def _watch(options: Options) -> int:
    from octo.engine.modules import Modules
    from octo.engine.watch import Watch

    files, code, modules = {*options.paths}, exits.DONE, Modules()
    watch = Watch(lambda: files | modules.files)

    def read() -> Asked:
        asked = modules.read(partial(_read, options, files, modules))
        modules.take()
        return asked

    try:
        while True:
            click.clear()
            code = INTERRUPTED  # unless this run ends by itself
            code = _once(options, partial(watch.read, read))
            say("\nwaiting for a change; press Ctrl-C to end")
            asyncio.run(watch.changed())
    except KeyboardInterrupt:
        return code


# --- the terminal ------------------------------------------------------------------------------------------------


def _echo(line: str) -> None:
    say(line)
