"""Questions about the project and its language: nothing runs."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import click

from octo.cli.authoring import codes
from octo.cli.authoring.fixes import with_fix
from octo.cli.authoring.refusal import Refused

Answer = dict[str, object]


def check(paths: Sequence[str]) -> Answer:
    """What `octo check --format json` says, with the edit that repairs a problem where its hint says what was meant."""
    from octo.cli.check import as_json, findings
    from octo.cli.named import told
    from octo.core.errors import ConfigError

    given = [Path(each) for each in paths]
    found = findings(given, compat=False)
    problems = [problem for each in found for problem in each.problems]
    answer = as_json(found, ok=not problems)
    answer["problems"] = [with_fix(each.as_json()) for each in problems]
    answer["checked"] = [f"{each.label}: {each.content}" for each in found if each.content]
    if problems and told(ConfigError(problems), given, "check"):
        answer["hint"] = "a folder is one configuration, and these files are several: name each under `paths`"
    return answer


def outline(path: str) -> Answer:
    """What `octo check --outline` says of one path."""
    from octo.builtin import plugins
    from octo.cli.project import import_beside
    from octo.config.outline import outline as outlined

    import_beside(Path(path))
    found = outlined(Path(path), plugins(), os.environ)
    return {"ok": not found.problems, **found.as_json()}


def guarantees(path: str) -> Answer:
    """What `octo check --guarantees` says of one path. Raises `ConfigError`."""
    from octo.cli.project import load
    from octo.config.guarantees import guarantees as guaranteed

    return {"ok": True, "flows": [flow.as_json() for flow in guaranteed(load(Path(path)))]}


def explain(code: str) -> Answer:
    """What `octo explain` says."""
    from octo.cli.codes import OURS, explanations, installed
    from octo.expr import nearest

    name = code.upper() if "-" in code else f"{OURS}-{code.upper()}"
    word = name.partition("-")[0]
    known = explanations() | ({} if word == OURS else installed(word).explanations)
    if name not in known:
        guess = nearest(name, known)
        raise Refused(codes.MISSING, f"there is no code {name}", f"did you mean {guess}?" if guess else "")
    return {"code": name, "title": known[name].title, "text": known[name].text}


def doc(name: str) -> Answer:
    """What `octo doc` says; of a page of the documentation, its text or that of one heading."""
    from octo.cli.authoring.searching import page
    from octo.cli.doc import found, page_of
    from octo.cli.entries import entries

    if (text := page(name)) is not None:
        return {"name": name, "text": text}
    pages = ["\n".join(page_of(each)) for each in found(name, entries())]
    return {"name": name, "text": click.unstyle("\n\n".join(pages))}


def traces(store: str, id: str, flow: str, outcome: str, limit: int, config: str) -> Answer:  # noqa: A002
    """The kept traces, the newest first; with an id that one, and with a configuration the values in it."""
    from octo.cli.project import load
    from octo.trace.opening import open_store
    from octo.trace.values import with_values

    kept = open_store(store)
    if not id:
        return {"traces": [each._asdict() for each in kept.find(flow or None, outcome or None, limit)]}
    trace = kept.get(id)
    return {"trace": drawn(with_values(trace, load(Path(config))) if config else trace)}


def drawn(trace: Sequence[object]) -> str:
    """A trace as a tree, each value in at most 300 characters."""
    from octo.trace.show import shown

    return "\n".join(shown(trace, lambda text, _: text, width=300))  # type: ignore[arg-type]
