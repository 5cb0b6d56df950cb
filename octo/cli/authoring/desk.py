"""What each tool does: files in the folder, questions to a worker, and the one process that runs flows."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, Self

from octo.cli.authoring import codes, veil
from octo.cli.authoring.folder import MOST_FILES, Folder
from octo.cli.authoring.refusal import Refused
from octo.cli.authoring.running import TRACES, Running
from octo.cli.authoring.tools import TOOLS
from octo.cli.authoring.worker import PUBLIC, Worker
from octo.config.files import SUFFIXES
from octo.expr import nearest

Answer = dict[str, object]
Given = dict[str, Any]

MOST_TEXT = 100_000
"""Characters of a file in one answer."""
_QUICK = 60.0
"""Seconds for a question that runs nothing."""


class Desk:
    """One assistant's place of work: a project, and whether anything in it may change. Use `open`."""

    def __init__(self, folder: Folder, worker: Worker, running: Running, *, may_change: bool) -> None:
        self._folder = folder
        self._worker = worker
        self._running = running
        self._services = in_memory(os.environ)
        self.may_change = may_change
        self._tools: Mapping[str, Callable[[Given], Awaitable[Answer]]] = {
            name: getattr(self, f"_{name}") for name in TOOLS
        }

    @classmethod
    @contextmanager
    def open(cls, root: Path, *, may_change: bool) -> Iterator[Self]:
        # Looking at a project leaves nothing in it, compiled modules neither.
        environ = {**os.environ, "NO_COLOR": "1", "PYTHONDONTWRITEBYTECODE": "1"}
        root = root.resolve()
        folder = Folder(root, lambda: veil.lower(root))
        with Running.open(root, environ) as running, Worker.open(root, environ) as worker:
            yield cls(folder, worker, running, may_change=may_change)

    async def do(self, name: str, given: Mapping[str, object]) -> Answer:
        """What the tool gives, without secrets. Raises `Refused`."""
        tool = TOOLS[name]
        if tool.changes and not self.may_change:
            hint = "whoever starts octo mcp author can add --allow-mutations"
            raise Refused(codes.READ_ONLY, f"{name} is refused: the server is read-only", hint)
        tool.check(given)
        defaults = {key: each["default"] for key, each in tool.schema["properties"].items() if "default" in each}
        answer = await self._tools[name]({**defaults, **given})
        return answer if name in PUBLIC else self.shown(answer)

    def shown(self, answer: Mapping[str, object]) -> Answer:
        """The answer without secrets."""
        veil.lower(self._folder.root)
        found = veil.veiled(answer)
        assert isinstance(found, dict)
        return found

    # --- files ---

    async def _list_files(self, given: Given) -> Answer:
        found = await asyncio.to_thread(self._folder.files, given["path"])
        more = {"hint": f"there are more than {MOST_FILES}: name a folder"} if len(found) >= MOST_FILES else {}
        return {"files": [each._asdict() for each in found], **more}

    async def _read_file(self, given: Given) -> Answer:
        found = await asyncio.to_thread(self._folder.read, given["path"])
        lines = found.text.splitlines(keepends=True)
        text = "".join(lines[given["first"] - 1 : given.get("last")])
        if len(text) > MOST_TEXT:
            raise Refused(codes.SIZE, f"these lines have more than {MOST_TEXT} characters", "name `first` and `last`")
        return {"path": given["path"], "hash": found.hash, "lines": len(lines), "text": text}

    async def _edit_file(self, given: Given) -> Answer:
        if ("edits" in given) == ("content" in given):
            raise Refused(codes.ARGUMENT, "edit_file takes either `edits` or `content`")
        path, known = given["path"], given["hash"]
        if "content" in given:
            saved = await asyncio.to_thread(self._folder.write, path, known, given["content"])
        else:
            saved = await asyncio.to_thread(self._folder.edit, path, known, given["edits"])
        return {"path": path, "hash": saved, "check": await self._found(path)}

    async def _delete_file(self, given: Given) -> Answer:
        await asyncio.to_thread(self._folder.delete, given["path"], given["hash"])
        return {"path": given["path"], "deleted": True}

    async def _found(self, path: str) -> Answer:
        """What is wrong with the configuration of a file, or with it alone if those beside it are others."""
        found = await self._ask("check", paths=[self._beside(path)])
        is_flow = PurePosixPath(path).suffix.lower() in SUFFIXES
        return await self._ask("check", paths=[path]) if is_flow and "hint" in found else found

    def _beside(self, path: str) -> str:
        """The nearest folder above a file that has flow files."""
        for folder in PurePosixPath(path).parents:
            inside = self._folder.root / folder
            if any(each.suffix.lower() in SUFFIXES for each in inside.iterdir()):
                return str(folder)
        return "."

    # --- the language ---

    async def _check(self, given: Given) -> Answer:
        return await self._ask("check", paths=self._places(given.get("paths")) or ["."])

    async def _outline(self, given: Given) -> Answer:
        return await self._ask("outline", path=self._folder.place(given["path"]))

    async def _guarantees(self, given: Given) -> Answer:
        return await self._ask("guarantees", path=self._folder.place(given["path"]))

    async def _explain(self, given: Given) -> Answer:
        return await self._ask("explain", code=given["code"])

    async def _search(self, given: Given) -> Answer:
        return await self._ask("search", query=given["query"], limit=given["limit"])

    async def _doc(self, given: Given) -> Answer:
        return await self._ask("doc", name=given["name"])

    async def _example(self, given: Given) -> Answer:
        return await self._ask("example", name=given.get("name", ""))

    # --- what happens ---

    async def _eval(self, given: Given) -> Answer:
        message = {"body": given.get("body"), "vars": given.get("vars", {})}
        return await self._ask("eval", expression=given["expression"], why=given["why"], **message)

    async def _why(self, given: Given) -> Answer:
        path, config = self._folder.place(given["path"]), given.get("config", "")
        place = {"path": path, "line": given["line"], "config": self._folder.place(config) if config else ""}
        return await self._ask("why", **place, body=given.get("body"), vars=given.get("vars", {}))

    async def _invoke(self, given: Given) -> Answer:
        return await self._worker.ask(
            "invoke",
            given["timeout"],
            path=self._folder.place(given["path"]),
            flow=given["flow"],
            body=given.get("body"),
            content_type=given.get("content_type", ""),
            vars=given.get("vars", {}),
            stubs=self._stubs(given),
            timeout=given["timeout"],
            trace=given["trace"],
            may_act=self.may_change,
            services=self._services,
        )

    async def _test(self, given: Given) -> Answer:
        config = given.get("config", "")
        return await self._worker.ask(
            "test",
            given["timeout"],
            paths=self._places(given.get("paths")) or ["."],
            filter=given.get("filter", ""),
            config=self._folder.place(config) if config else "",
            trace=given["trace"],
            may_act=self.may_change,
        )

    async def _traces(self, given: Given) -> Answer:
        if not (self._folder.root / ".octo" / "traces.db").is_file():
            raise Refused(codes.MISSING, "no traces are kept yet", "run keeps them; invoke and test show their own")
        config = given.get("config", "")
        wanted = {name: given.get(name, "") for name in ("id", "flow", "outcome")}
        place = self._folder.place(config) if config else ""
        return await self._ask("traces", store=TRACES, limit=given["limit"], config=place, **wanted)

    async def _run(self, given: Given) -> Answer:
        path, stubs = self._folder.place(given["path"]), self._stubs(given)
        found = await self._ask("servers", path=path, stubs=stubs, services=self._services)
        if not found["ok"]:
            return found
        servers: dict[str, int] = found["servers"]  # type: ignore[assignment]
        if len(servers) == 1:
            servers = {name: given.get("port", 0) for name in servers}
        elif "port" in given:
            raise Refused(codes.ARGUMENT, f"there are {len(servers)} http connectors", "leave `port` out")
        return await self._running.start(path, stubs, servers, self._services)

    async def _status(self, _: Given) -> Answer:
        return self._running.status()

    async def _stop(self, _: Given) -> Answer:
        return await self._running.stop()

    async def _request(self, given: Given) -> Answer:
        return await self._running.request(
            given["method"],
            given["path"],
            given.get("headers", {}),
            given.get("body"),
            given.get("server", ""),
            given["timeout"],
        )

    # --- parts of the above ---

    async def _ask(self, verb: str, **given: object) -> Answer:
        return await self._worker.ask(verb, _QUICK, **given)

    def _places(self, paths: list[str] | None) -> list[str]:
        return [self._folder.place(each) for each in paths or ()]

    def _stubs(self, given: Given) -> list[str]:
        parts = (each.partition("::") for each in given.get("stubs", ()))
        return [f"{self._folder.place(file)}{mark}{case}" for file, mark, case in parts]


def in_memory(environ: Mapping[str, str]) -> str:
    """Where services are: what an assistant tries must not reach those that others use. Secrets stay where they are."""
    others = environ.get("OCTO_SERVICES", "").split(",")
    return ",".join(["memory:", *(each for each in others if re.match(r"\s*secrets=", each))])


def unknown(name: str) -> str:
    """What to say of a tool that there is not."""
    guess = nearest(name, TOOLS)
    return f"there is no tool {name[:80]!r}" + (f"; did you mean {guess!r}?" if guess else "")
