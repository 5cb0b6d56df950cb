"""Binds a test file to the configuration that it tests: resolves every name, or reports a problem with its place."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path as FilePath
from typing import TYPE_CHECKING

from pydantic import BaseModel
from pydantic_core import PydanticCustomError

from octo.config.complaints import complain_of_expression, refuse_key
from octo.config.documents import Config, ConnectorDoc
from octo.config.part import only_feeding, part, unfed
from octo.config.place import Path
from octo.config.reader import did_you_mean, kind
from octo.config.report import Report
from octo.config.settings import Written, validate
from octo.core.cassette import Replayed
from octo.core.errors import ConfigError, Position
from octo.core.expressions import Build, compile_expr
from octo.core.powers import Replying, Vetting
from octo.core.settings import Settings
from octo.suite import codes
from octo.suite.case import Call, Case, Suite
from octo.suite.cassettes import Cassettes
from octo.suite.configs import Configs
from octo.suite.format import CallEntry, CaseEntry, Expect, Input, Wanted
from octo.suite.rules import Draft, calls_of, merged, start_of

if TYPE_CHECKING:
    from octo.debug.mocks import Mock

_SECONDS = 30.0


def bind(
    draft: Draft,
    config: FilePath,
    configs: Configs,
    env: Mapping[str, str],
    report: Report,
    cassettes: Cassettes,
) -> Suite | None:
    """Return the suite of a test file, or None: then the report has the problems, also those of the configuration.

    env: variables that replace those of the process; those of the file win over them, if nothing real is called.
    """
    before = len(report.problems)
    cases = []
    real = {**os.environ, **env}
    for index, entry in enumerate(draft.entry.cases):
        written = cassettes.environment(written_env(draft, index), real)
        case = Case(entry.name, draft.file, config, draft.entry.flow, draft.at("cases", index, "name"), ())
        case = case._replace(env={**env, **written}, written_env=written, sources=entry.sources, skip=entry.skip or "")
        try:
            cases.append(case if entry.skip else _bound(draft, case, configs, index, report, cassettes))
        except ConfigError as error:
            for problem in error.problems:
                report.error(*problem)
    if len(report.problems) > before:
        return None
    return Suite(
        draft.file, config, draft.entry.flow, tuple(cases), _blank(draft, config, configs, env, cases, cassettes)
    )


def written_env(draft: Draft, index: int | None) -> dict[str, str]:
    """The variables that the file sets, and those of its case at `index`."""
    of_case = {} if index is None else _texts(draft, ("cases", index, "env"))
    return {**_texts(draft, ("env",)), **of_case}


def bound_stubs(
    draft: Draft, index: int | None, config: Config, report: Report, cassettes: Cassettes
) -> dict[str, Settings]:
    """The stubs of the file, and those of its case at `index`, by connector name. Problems go to the report."""
    entry, path = (CaseEntry(name="none"), ()) if index is None else (draft.entry.cases[index], ("cases", index))
    binding = _Binding(draft, config, entry, path, report, cassettes)
    return binding.stubs(merged(draft.entry.stubs.items(), entry.stubs.items()))


def _blank(
    draft: Draft,
    config: FilePath,
    configs: Configs,
    env: Mapping[str, str],
    cases: list[Case],
    cassettes: Cassettes,
) -> Case:
    """Return a case with only what the file sets.

    It has the variables of the first call that has some, because the flow may need them.
    """
    written = _texts(draft, ("env",))
    blank = Case("", draft.file, config, draft.entry.flow, Position(str(draft.file), 1, 1), (), env={**env, **written})
    with configs.lent(config, blank.env) as loaded:
        bound = _Binding(draft, loaded, CaseEntry(name="blank"), (), Report(), cassettes).bound(blank)
    variables = (call.vars for case in cases for call in case.calls if call.vars)
    return bound._replace(calls=(Call(draft.entry.flow, vars=next(variables, {})),))


def _texts(draft: Draft, path: Path) -> dict[str, str]:
    """Return environment variables as written in the file: `010` is the text "010"."""
    place = draft.top.walk(path)
    return {} if place is None else {name: each.node.text for name, each in place.fields().items()}


def _bound(draft: Draft, case: Case, configs: Configs, index: int, report: Report, cassettes: Cassettes) -> Case:
    with configs.lent(case.config, case.env) as config:
        return _Binding(draft, config, draft.entry.cases[index], ("cases", index), report, cassettes).bound(case)


class _Binding:
    """Binds one case. Invariant: every name is looked up, so that all problems are found at once."""

    def __init__(
        self, draft: Draft, config: Config, entry: CaseEntry, path: Path, report: Report, cassettes: Cassettes
    ) -> None:
        self.draft = draft
        self.file = draft.entry
        self.config = config
        self.entry = entry
        self.path = path
        self.report = report
        self.cassettes = cassettes
        self.build = Build(config.env)

    def bound(self, case: Case) -> Case:
        written = merged(self.file.mocks.items(), self.entry.mocks.items())
        stubs = merged(self.file.stubs.items(), self.entry.stubs.items())
        calls = tuple(self.call(call, (*self.path, *path)) for path, call in calls_of(self.entry))
        timeout = self.entry.timeout or self.file.timeout
        case = case._replace(
            calls=calls,
            spies=self.entry.spies if self.entry.calls else {},
            written_mocks=written,
            mocks=self.mocks(written),
            stubs=self.stubs(stubs),
            seconds=timeout.total_seconds() if timeout else _SECONDS,
            clock=start_of(self.entry.clock or self.file.clock),
        )
        self.addresses(case)
        self.conditions(self.entry, self.path)
        return case._replace(stubs={**self.implied(case), **case.stubs})

    # --- calls ---------------------------------------------------------------------------------------------------

    def call(self, entry: CallEntry, path: Path) -> Call:
        after = entry.after.total_seconds() if entry.after else 0.0
        if after and not entry.model_fields_set & {"flow", "input", "trigger", "expect"}:
            return Call(None, after=after, spies=entry.spies)
        flow = self.flow(entry, path)
        given = entry.input or Input()
        if isinstance(given, str):
            given = self.file.inputs.get(given) or Input()  # an unknown name is reported already
        trigger = None
        if entry.trigger is not None:
            trigger = self.trigger(flow, (*path, "trigger"))
            self.reply(flow, entry.expect, (*path, "expect", "reply"))
        is_raw = given.content_type is not None
        return Call(flow, given.meant(), given.vars, trigger, after, entry.expect, entry.spies, is_raw)

    def flow(self, entry: CallEntry, path: Path) -> str:
        name, place = (entry.flow, (*path, "flow")) if entry.flow else (self.file.flow, ("flow",))
        if name not in self.config.flows:
            hint = did_you_mean(name, self.config.flows)
            self._error(codes.FLOW, self.draft.value_at(*place), f"no flow is named `{name}`", hint)
        return name

    def trigger(self, flow: str, path: Path) -> Settings | None:
        doc = self.config.flows.get(flow)
        if doc is None:
            return None
        at = self.draft.at(*path)
        if doc.source is None:
            self._error(codes.TRIGGER, at, f"the flow `{flow}` has no source that could be triggered", "use `input`")
            return None
        type_ = self.config.connectors[doc.source.connector].type
        if type_.stub is None or type_.stub.trigger is None:
            message = f"the source of `{flow}` is a `{type_.name}` connector, which cannot be triggered"
            self._error(codes.TRIGGER, at, message, "use `input`, and `vars` for what the source would have set")
            return None
        spec = self._settings(type_.stub.trigger, f"the trigger of a `{type_.name}` connector", path)
        if spec is not None and isinstance(type_.cls, Vetting):
            settings = self.config.connectors[doc.source.connector].settings
            if why := type_.cls.untriggerable(settings, doc.source.settings, spec):
                self._error(codes.TRIGGER, at, why)
        return spec

    def reply(self, flow: str, expect: Expect | None, path: Path) -> None:
        """Check that the reply of a trigger of the flow can have these keys."""
        doc = self.config.flows.get(flow)
        if expect is None or not isinstance(expect.reply, dict) or doc is None or doc.source is None:
            return
        type_ = self.config.connectors[doc.source.connector].type
        if not isinstance(type_.cls, Replying):
            return
        what, known = f"the reply of a `{type_.name}` connector", type_.cls.replies
        for key in expect.reply:
            if key not in known:
                refuse_key(key, self.draft.at(*path, key), what, known, self.report)

    def conditions(self, value: object, path: Path) -> None:
        """Compile every `that` at or below a part of the case. It is evaluated later, when there is a message."""
        if isinstance(value, Wanted):
            for index, text in enumerate(value.that):
                self.condition(text, (*path, "that", index))
        elif isinstance(value, BaseModel):
            for name in value.model_fields_set:
                self.conditions(getattr(value, name), (*path, name))
        elif isinstance(value, dict):
            for key, each in value.items():
                self.conditions(each, (*path, key))
        elif isinstance(value, tuple):
            for index, each in enumerate(value):
                self.conditions(each, (*path, index))

    def condition(self, text: str, path: Path) -> None:
        place = self.draft.top.walk(path)
        assert place is not None
        try:
            compile_expr(text, bool, self.build.scope())
        except PydanticCustomError as error:
            complain_of_expression((error.context or {})["error"], place, self.report)

    # --- mocks and stubs -----------------------------------------------------------------------------------------

    def mocks(self, written: Mapping[str, object]) -> dict[str, Mock]:
        from octo.debug import mocks
        from octo.debug.codes import MOCK

        found = {}
        for address, spec in written.items():
            try:
                found[address] = mocks.parse(spec, address, self.config.env)
            except mocks.MockError as error:
                at = self.draft.at(*self.owner("mocks", address), *error.path)
                self._error(MOCK, at, str(error), "a mock is `{cases: [{when, body}], default: {body}}`")
        return found

    def owner(self, key: str, name: str) -> Path:
        """The path of the mock or stub of that name: in the case, else in the file."""
        return (*self.path, key, name) if name in getattr(self.entry, key) else (key, name)

    def stubs(self, written: Mapping[str, object]) -> dict[str, Settings]:
        found = {}
        for name in written:
            doc, path = self.config.connectors.get(name), self.owner("stubs", name)
            if doc is None:
                hint = did_you_mean(name, self.config.connectors)
                self._error(codes.STUB, self.draft.at(*path), f"no connector is named `{name}`", hint)
            elif doc.type.stub is None:
                message = f"`{name}` is a `{doc.type.name}` connector, which has no stub"
                self._error(codes.STUB, self.draft.at(*path), message, "mock the blocks that use it")
            else:
                settings = self._settings(doc.type.stub.settings, f"the stub of a `{doc.type.name}` connector", path)
                if settings is not None:
                    found[name] = settings
                    self.cassette(doc.type.name, settings, path)
        return found

    def cassette(self, of: str, stub: Settings, path: Path) -> None:
        """Read the cassette that the stub replays, if it replays one."""
        if not isinstance(stub, Replayed) or stub.cassette is None:
            return
        file = self.draft.file.parent / stub.cassette
        found = self.cassettes.find(file, of, stub.form, self.draft.value_at(*path, "cassette"), self.report)
        if found is not None:
            stub.insert(found)

    def implied(self, case: Case) -> dict[str, Settings]:
        """Return stubs for connectors that only feed triggered flows, so that a trigger never opens a port."""
        if not any(call.trigger is not None for call in case.calls):
            return {}
        needed = part(unfed(self.config, case.fed), case.called & self.config.flows.keys())
        plain = {doc.name for doc in only_feeding(needed)}
        found = {}
        for flow in sorted({call.flow for call in case.calls if call.flow and call.trigger is not None}):
            source = needed.flows[flow].source if flow in needed.flows else None
            if source is None or source.connector in case.stubs or source.connector in found:
                continue
            doc = needed.connectors[source.connector]
            stub = _by_itself(doc) if doc.name in plain else None
            if stub is not None:
                found[doc.name] = stub
            elif doc.type.stub is not None:
                message, hint = f"the connector `{doc.name}` has no stub here", f"add `stubs: {{{doc.name}: {{...}}}}`"
                self._error(codes.TRIGGER, self.draft.at(*self.path), message, hint)
        return found

    def addresses(self, case: Case) -> None:
        from octo.debug import AddressError, Debug, addresses

        right = True
        for address, path in self._addressed(case):
            try:
                addresses.resolve(self.config, address)
                if address not in case.mocks:
                    Debug(self.config, case.flow, spies=[address], mocks=case.mocks if right else {})
            except AddressError as error:
                right = False
                self._error(error.code, self.draft.at(*path), str(error))
        if right:
            try:
                Debug(self.config, case.flow, mocks=case.mocks)
            except AddressError as error:
                self._error(error.code, self.draft.at(*self.path), str(error))

    def _addressed(self, case: Case) -> Iterable[tuple[str, Path]]:
        for address in case.mocks:
            yield address, self.owner("mocks", address)
        for address in self.entry.spies:
            yield address, (*self.path, "spies", address)
        for index, call in enumerate(self.entry.calls):
            for address in call.spies:
                yield address, (*self.path, "calls", index, "spies", address)

    # --- reports -------------------------------------------------------------------------------------------------

    def _settings(self, model: type[Settings], what: str, path: Path) -> Settings | None:
        place = self.draft.top.walk(path)
        assert place is not None
        if not isinstance(place.value, dict):
            message = f"`{place.name}` must be a mapping, found {kind(place.value)}"
            self._error(codes.STUB, place.at, message, "write `{}` for one without settings")
            return None
        entries = Written(what, place.at, place.fields())
        return validate(model, entries, self.build, self.report, null_is_empty=False)

    def _error(self, code: str, at: Position, message: str, hint: str = "") -> None:
        self.report.error(code, at, message, hint)


def _by_itself(doc: ConnectorDoc) -> Settings | None:
    """Return the stub of a connector if the stub needs no settings, else None."""
    stub = doc.type.stub
    if stub is None or any(field.is_required() for field in stub.settings.model_fields.values()):
        return None
    return stub.settings.model_validate({})
