"""What the images are made of: nothing that changes by itself, and no more than is needed."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path
from typing import NamedTuple

import pytest

from octo import __version__
from tests.platform.packaging.conftest import ROOT

FOLDER = ROOT / "deploy" / "images"
FILES = sorted(FOLDER.glob("*.Dockerfile"))
KNOWN = {"FROM", "ARG", "ENV", "RUN", "WORKDIR", "COPY", "LABEL", "USER", "ENTRYPOINT", "CMD"}


class Step(NamedTuple):
    verb: str
    rest: str


def steps(file: Path) -> list[Step]:
    """The instructions, each on one line."""
    lines = "\n".join(line for line in file.read_text().splitlines() if not line.startswith("#"))
    joined = lines.replace("\\\n", " ")
    return [Step(*line.split(None, 1)) for line in joined.splitlines() if line.strip()]


def stages(file: Path) -> list[list[Step]]:
    """The instructions of each stage, `FROM` first."""
    found: list[list[Step]] = []
    for step in steps(file):
        if step.verb == "FROM":
            found.append([])
        if found:
            found[-1].append(step)
    return found


def sources(stage: list[Step]) -> list[str]:
    """What is copied from the checkout."""
    copied = [shlex.split(step.rest) for step in stage if step.verb == "COPY"]
    return [path for words in copied if not words[0].startswith("--from") for path in words[:-1]]


@pytest.fixture(params=FILES, ids=lambda file: file.stem)
def file(request):
    return request.param


def test_there_are_two():
    assert [file.stem for file in FILES] == ["platform", "runtime"]


def test_knows_all_instructions(file):
    """No ADD, which fetches and unpacks; no HEALTHCHECK, VOLUME, ONBUILD or SHELL."""
    assert {step.verb for step in steps(file)} <= KNOWN


def test_begins_with_a_fixed_python(file):
    """Whose version is given to the patch; a digest may be given in its place."""
    (python,) = [step.rest for step in steps(file) if step.verb == "ARG" and step.rest.startswith("PYTHON=")]

    assert re.fullmatch(r"PYTHON=docker\.io/library/python:3\.\d+\.\d+-slim-\w+", python)
    assert [stage[0].rest for stage in stages(file)] == ["${PYTHON} AS build", "scratch"]


def test_python_is_one_that_the_package_supports(file):
    (minor,) = re.findall(r"python:3\.(\d+)\.", file.read_text())
    classifiers = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["classifiers"]

    assert f"Programming Language :: Python :: 3.{minor}" in classifiers


def test_all_packages_are_checked(file):
    """Each call that installs something from an index wants checksums."""
    commands = [part for step in steps(file) if step.verb == "RUN" for part in step.rest.split("&&")]
    installs = [command for command in commands if re.search(r"\bpip install\b|uv build", command)]

    assert len(installs) == 4
    assert all("--require-hashes" in command or "wheel/*.whl" in command for command in installs)
    assert any("uv export" in command and "--frozen" in command for command in commands)


def test_the_tools_have_checksums():
    """For each of build.in and all that it needs."""
    entries = re.split(r"\n(?=\S)", (FOLDER / "build.txt").read_text().strip())
    wanted = [line for line in (FOLDER / "build.in").read_text().splitlines() if line and not line.startswith("#")]

    assert all("==" in entry and "--hash=sha256:" in entry for entry in entries)
    names = {entry.partition("==")[0] for entry in entries}
    assert {re.match(r"[\w-]+", each)[0] for each in wanted} <= names


def test_extras_are_those_of_the_package(file):
    """And the images of the test cluster have the same ones."""
    (extras,) = re.findall(r'ARG EXTRAS="([^"]+)"', file.read_text())
    (used,) = re.findall(r"runtime_extras=\(([^)]+)\)", (ROOT / "scripts" / "cluster" / "image.sh").read_text())
    known = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]

    assert set(extras.split()) <= set(known)
    assert extras.removeprefix("platform ") == used
    assert extras.startswith("platform ") == (file.stem == "platform")


def test_what_is_copied_is_there(file):
    """And reaches the build: .dockerignore lets nothing else through."""
    build, _ = stages(file)
    let_in = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    copied = sources(build)

    assert copied
    for path in copied:
        assert (ROOT / path).exists(), path
        assert any(path == each or path.startswith(f"{each}/") for each in let_in), path


def test_what_the_wheel_needs_is_copied(file):
    """Hatch takes more than the packages: pages and samples go with them."""
    build, _ = stages(file)
    included = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]

    assert {path.strip("/").partition("/")[0] for path in included["include"]} <= set(sources(build))


def test_nobody_is_root(file):
    """In the image that is shipped: a number, so that a cluster can see that it is not 0; and one folder is its own."""
    _, shipped = stages(file)
    users = [step.rest for step in shipped if step.verb == "USER"]
    owned = [step.rest for step in shipped if step.verb == "COPY" and "--chown" in step.rest]
    (workdir,) = [step.rest for step in shipped if step.verb == "WORKDIR"]

    assert users == ["65532:65532"]
    assert [words.split()[-1] for words in owned] == [workdir]
    assert not [step for step in shipped if step.verb == "RUN"]


def test_no_step_is_for_one_architecture(file):
    assert not re.search(r"x86_64|aarch64|TARGETARCH|linux-gnu", "".join(step.rest for step in steps(file)))


def test_labels_say_what_it_is(file):
    """By the names of OCI; the release and the commit are given by who builds."""
    _, shipped = stages(file)
    (label,) = [step.rest for step in shipped if step.verb == "LABEL"]
    names = {each.partition("=")[0].removeprefix("org.opencontainers.image.") for each in shlex.split(label)}

    assert names == {"title", "description", "version", "revision", "licenses"}


def test_the_chart_is_of_this_release():
    """Its appVersion is the tag that is taken where no other is named."""
    chart = (ROOT / "deploy" / "chart" / "octo-platform" / "Chart.yaml").read_text()

    assert f"appVersion: {__version__}\n" in chart
