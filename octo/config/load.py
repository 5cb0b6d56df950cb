"""Load a configuration: a file, or the files of a folder, become one checked `Config`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from hashlib import sha256
from pathlib import Path
from stat import S_ISDIR
from typing import NamedTuple

from octo.config import codes
from octo.config.connectors import Connectors
from octo.config.context import Context, Entry
from octo.config.documents import Config, FlowDoc, Texts
from octo.config.dotenv import read_dotenv
from octo.config.env import Declaration, Environment, declarations, of_files, resolve
from octo.config.files import is_test, yaml_files
from octo.config.flows import read_flows, read_processors
from octo.config.lint import lint
from octo.config.place import Place
from octo.config.reader import Reader
from octo.config.report import Report
from octo.config.resources import Files, Resources, check_templates, read_resources
from octo.config.substitute import literal, substitute
from octo.config.types import KnownTypes
from octo.config.variables import Surroundings
from octo.config.yaml import MOST_BYTES, File, read
from octo.core.errors import ConfigError, OctoError, Position, Problem
from octo.core.plugins import Plugins
from octo.core.secrets import Store
from octo.expr import nearest
from octo.expr.templates import Templates

SECTIONS = ("service", "env", "connectors", "processors", "flows", "resources")


def load(path: Path, plugins: Plugins, environ: Mapping[str, str], *more: Path) -> Config:
    """Read a configuration file or folder. Raises ConfigError with every problem that was found.

    more: further files and folders of the same configuration. `.env` files and resources are those beside the first.
    """
    report = Report()
    files = config_files(path, *more)
    texts = [(str(each), data) for each in files if (data := read_bytes(each, report)) is not None]
    report.raise_if_any()
    return _build(texts, _root(path), tuple(files), plugins, environ, report)


def load_text(data: bytes, plugins: Plugins, environ: Mapping[str, str], name: str) -> Config:
    """Read a configuration that came from elsewhere, as if it were a file in the working directory."""
    return _build([(name, data)], Path(), (), plugins, environ, Report())


def parse(text: str, plugins: Plugins, environ: Mapping[str, str], name: str = "flow.yaml") -> Config:
    """Read a configuration from a text. Without a folder it has no `.env` file and no resources."""
    return _build([(name, text.encode("utf-8", "surrogatepass"))], None, (), plugins, environ, Report())


def config_files(*paths: Path) -> list[Path]:
    """The files that make up the configuration at these paths, each once; a folder's are sorted by name, without tests.

    Raises ConfigError if a path leads nowhere.
    """
    found: dict[Path, Path] = {}
    for each in (file for path in paths for file in _files(path)):
        found.setdefault(each.resolve(), each)
    return list(found.values())


def _root(path: Path) -> Path:
    return path if path.is_dir() else path.parent


def _files(path: Path) -> list[Path]:
    try:
        is_folder = S_ISDIR(path.stat().st_mode)
    except OSError as error:
        is_missing = isinstance(error, FileNotFoundError | NotADirectoryError)
        message = "no such file or folder" if is_missing else f"the path cannot be read: {error.strerror}"
        hint = _nearest(path) if is_missing else ""
        raise ConfigError([Problem(codes.NOT_FOUND, Position(str(path)), message, hint)]) from error
    return _folder(path) if is_folder else [path]


def _nearest(path: Path) -> str:
    """What to give instead of a path that leads nowhere."""
    try:
        guess = nearest(path.name, [each.name for each in yaml_files(path.parent)])
    except OSError:
        guess = None
    if guess:
        return f"did you mean `{path.with_name(guess)}`?"
    return "give the path of a flow file, or of a folder with flow files"


def candidates(path: Path, environ: Mapping[str, str], *more: Path) -> tuple[Path, ...]:
    """What to watch while a configuration cannot be loaded: its files as they are now, and its `.env` files."""
    try:
        files = config_files(path, *more)
    except ConfigError:
        files = [path, *more]
    return (*files, *_dotenv_paths(_root(path), environ))


def _folder(path: Path) -> list[Path]:
    try:
        found = yaml_files(path)
    except OSError as error:
        message = f"the folder cannot be read: {error.strerror}"
        raise ConfigError([Problem(codes.NOT_FOUND, Position(str(path)), message)]) from error
    files = [each for each in found if not is_test(each)]
    if not files:
        message = "the folder contains no configuration"
        hint = "put a `*.yaml` file into it; files whose names begin with `.`, `#` or `~` do not count"
        if found:
            hint = f"files such as `{found[0].name}` are tests; {hint}"
        raise ConfigError([Problem(codes.NOT_FOUND, Position(str(path)), message, hint)])
    return files


def read_bytes(path: Path, report: Report) -> bytes | None:
    try:
        with path.open("rb") as file:
            return file.read(MOST_BYTES + 1)
    except OSError as error:
        report.error(codes.NOT_FOUND, Position(str(path)), f"the file cannot be read: {error.strerror}")
        return None


def _dotenv_paths(root: Path | None, environ: Mapping[str, str] | None) -> list[Path]:
    """The `.env` files that may exist, the one that wins last: working directory, beside the configuration, named.

    Without an environment only the one beside the configuration.
    """
    if environ is None:
        return [] if root is None else [root / ".env"]
    here = Path(".env")  # only if it is there: what is to come belongs beside the configuration
    found = [] if root is None else [here, root / ".env"] if here.is_file() and not _is_here(root) else [root / ".env"]
    named = environ.get("OCTO_ENV_FILE")
    return [*found, *([Path(named)] if named else [])]


def _is_here(folder: Path) -> bool:
    """Whether it is the working directory; also if there is none, because somebody removed it."""
    try:
        return folder.resolve() == Path.cwd()
    except OSError:
        return True


def _dotenv(paths: list[Path], named: str | None, report: Report) -> dict[Path, dict[str, str]]:
    """The variables of each `.env` file that exists, in the order of the files."""
    found: dict[Path, dict[str, str]] = {}
    for path in paths:
        values = read_dotenv(path, report)
        if values is not None:
            found.pop(path, None)  # a file that is named again overrides those between
            found[path] = values
        elif str(path) == named:
            report.warn(codes.ENV_FILE_MISSING, Position(str(path)), "`OCTO_ENV_FILE` names a file that does not exist")
    return found


def _build(
    texts: Sequence[tuple[str, bytes]],
    root: Path | None,
    watched: tuple[Path, ...],
    plugins: Plugins,
    environ: Mapping[str, str],
    report: Report,
) -> Config:
    found = (read(data, name, report) for name, data in texts)
    files = [file for file in found if file is not None]
    if len(files) < len(texts):
        report.raise_if_any()
    config = check(draft(files, root, plugins, environ, report), watched)
    report.raise_if_any(config.watched)
    again = partial(_again, root=root, watched=watched, plugins=plugins, environ=environ)
    return config._replace(version=_version(texts), texts=Texts(tuple(texts), again))


def _again(
    texts: Sequence[tuple[str, bytes]],
    *,
    root: Path | None,
    watched: tuple[Path, ...],
    plugins: Plugins,
    environ: Mapping[str, str],
) -> Config:
    return _build(texts, root, watched, plugins, environ, Report())


def _version(texts: Sequence[tuple[str, bytes]]) -> str:
    """The same for the same files, wherever their folder is."""
    found = sha256()
    for data in sorted(sha256(data).digest() for _, data in texts):
        found.update(data)
    return found.hexdigest()[:12]


class Draft(NamedTuple):
    """A configuration whose files are parsed, but not checked yet.

    tops: the files with the values of their variables.
    dotenv: the `.env` files, and those of secrets, existing or not. given: the variables that each existing one sets.
    secrets: the names of the variables whose value is secret. named: the files that settings name.
    environment: the declared variables and their values.
    """

    context: Context
    tops: list[Place]
    resources: Resources
    dotenv: list[Path]
    secrets: frozenset[str]
    given: Mapping[Path, tuple[str, ...]]
    environment: Environment
    named: Files | None = None


def draft(
    files: list[File], root: Path | None, plugins: Plugins, environ: Mapping[str, str] | None, report: Report
) -> Draft:
    """The files of a configuration, parsed.

    environ: None is no environment at all. Then a variable that neither a file nor a default sets may have any value,
        and what depends on it is no problem.
    """
    reader = Reader(report)
    if root is not None:  # a text that is no file is given on purpose
        _warn_of_empty(files, report)
    raw = [literal(file).top for file in files]
    sections = [reader.free_mapping(top, "a configuration").get("resources") for top in raw]
    resources = read_resources(sections, root, report)
    dotenv = [*_dotenv_paths(root, environ), *resources.env]
    values = _dotenv(dotenv, (environ or {}).get("OCTO_ENV_FILE"), report)
    declared = declarations(_section(raw, "env", Reader(Report())), report)
    store = None if environ is None else _store(declared, plugins, environ, report)
    if environ is None:
        environment = of_files(declared, list(values.values()))
    else:
        environment = resolve(declared, environ, list(values.values()), report, store)
    tops = [substitute(file, environment, report).top for file in files]
    templates = None if root is None else Templates(resources.texts)
    named = None if root is None else Files(root)
    build = Surroundings(
        env=environment.values,
        templates=templates,
        file=None if named is None else named.read,
        root=root,
        declared=environment.declared.keys(),
        is_open=environ is None,
    )
    check_templates(resources, build, report)
    known = KnownTypes(plugins, report)
    context = Context(report, reader, known, build, Connectors(report, known, build), {})
    secrets = frozenset(name for name, each in declared.items() if each.secret)
    given = {path: tuple(variables) for path, variables in values.items()}
    stored = [each.stored for each in declared.values() if each.stored]
    kept = [] if store is None else [file for name in stored for file in store.files(name)]
    return Draft(context, tops, resources, [*dotenv, *kept], secrets, given, environment, named)


def _store(
    declared: Mapping[str, Declaration], plugins: Plugins, environ: Mapping[str, str], report: Report
) -> Store | None:
    """The place of secrets, if one is chosen and a variable is a secret."""
    first = next((each for each in declared.values() if each.stored), None)
    if first is None:
        return None
    try:
        return plugins.secrets(environ)
    except OctoError as error:
        report.error(error.code, first.at, f"the variable `{first.name}` is a secret: {error}")
        return None


def _warn_of_empty(files: list[File], report: Report) -> None:
    for file in files:
        if file.root.value is None or file.root.value == {}:
            report.warn(
                codes.NO_CONTENT, Position(file.name), _emptiness(file.text), "write `flows:` into it, or remove it"
            )


def _emptiness(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        return "the file is empty"
    return "the file has only comments" if all(line[0] == "#" for line in lines) else "the file says nothing"


def check(found: Draft, watched: tuple[Path, ...] = ()) -> Config:
    """The checked configuration. It keeps the promise of `Config` only if the report has no problems afterwards."""
    context, tops, report = found.context, found.tops, found.context.report
    name, environment = _service(context, tops)
    flows = _flows(context, tops)
    return Config(
        name=name,
        environment=environment,
        connectors=context.connectors.all(),
        flows=flows,
        env=context.build.env,
        given={path: len(names) for path, names in found.given.items()},
        watched=(
            *watched,
            *found.dotenv,
            *found.resources.templates.values(),
            *(sorted(found.named.asked) if found.named else ()),
        ),
        warnings=tuple(report.warnings),
        secrets=found.secrets,
    )


def _flows(context: Context, tops: list[Place]) -> dict[str, FlowDoc]:
    reader = context.reader
    for top in tops:
        reader.mapping(top, SECTIONS, "a configuration")
    for place in _section(tops, "connectors", reader):
        context.entries.append(Entry("connector", "", "", place.said("type"), place.said("name"), place))
        context.connectors.declare(place)
    read_processors(context, _section(tops, "processors", reader))
    flows = read_flows(context, _section(tops, "flows", reader))
    lint(context, flows)
    _section(tops, "env", reader)
    return flows


def _section(tops: list[Place], key: str, reader: Reader) -> list[Place]:
    """The entries of a list that every file may add to."""
    return [entry for top in tops for entry in reader.entries(top.get(key))]


def _service(context: Context, tops: list[Place]) -> tuple[str, str]:
    places = [place for top in tops if (place := top.get("service")) is not None]
    for place in places[1:]:
        hint = f"the first one is at {places[0].key_at}; keep one of them"
        context.report.error(codes.SERVICE_TWICE, place.key_at, "`service` is written in several files", hint)
    fields = context.reader.mapping(places[0] if places else None, ("name", "environment"), "`service`")
    return context.reader.text(fields.get("name")) or "", context.reader.text(fields.get("environment")) or ""
