"""A request that was let in: who asks, in which workspace, of which installation."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Path, Request
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from octo_platform.auth.principal import Principal
from octo_platform.installation import Installation
from octo_platform.problem import Problem
from octo_platform.storage.tables import AuditEntry, Workspace


@dataclass
class Call:
    """See the module. principal: None only where nobody needs to be signed in. target: what the audit log names.

    is_noted: whether the audit log has it.
    """

    installation: Installation
    principal: Principal | None
    workspace: Workspace | None
    action: str
    id: str
    target: str = ""
    is_noted: bool = False

    @property
    def who(self) -> Principal:
        if self.principal is None:
            raise Problem("not-signed-in")
        return self.principal

    @property
    def space(self) -> Workspace:
        assert self.workspace is not None, "only routes below /workspaces/{workspace} ask for it"
        return self.workspace

    @property
    def user_id(self) -> str | None:
        """The id of the person, for `created_by`; None where nobody had to sign in."""
        return self.who.id if self.who.way in ("cookie", "key") else None

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        async with self.installation.database.read() as session:
            yield session

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncSession]:
        """A transaction; the entry of the audit log is part of it. What breaks a constraint is a `Problem`."""
        try:
            async with self.installation.database.write() as session:
                yield session
                session.add(self.entry(200))
        except IntegrityError as error:
            raise _problem_of(error) from None
        self.is_noted = True

    def entry(self, outcome: int) -> AuditEntry:
        """What the audit log says of it. outcome: the HTTP status."""
        return AuditEntry(
            actor=(self.principal.actor if self.principal else "nobody")[:400],
            action=self.action,
            workspace_id=self.workspace.id if self.workspace else None,
            # It may be a path as somebody sent it, and is shown in terminals.
            target="".join(each if each.isprintable() else "\ufffd" for each in self.target[:600]),
            outcome=outcome,
            request=self.id,
        )


def _problem_of(error: IntegrityError) -> Problem:
    text = str(error.orig).lower()
    if "unique" in text or "duplicate" in text:
        return Problem("exists")
    if "foreign key" in text:
        return Problem("in-use", "Something else still refers to it, or what it refers to is gone")
    return Problem("invalid")


async def workspace_named(session: AsyncSession, name: str) -> Workspace | None:
    return await session.scalar(select(Workspace).where(Workspace.name == name))


def call_of(request: Request) -> Call:
    call: Call = request.state.call
    return call


def call_within(request: Request, workspace: Annotated[str, Path(max_length=40)]) -> Call:  # noqa: ARG001  documented
    return call_of(request)


Asked = Annotated[Call, Depends(call_of)]
Within = Annotated[Call, Depends(call_within)]
"""A request below `/workspaces/{workspace}`."""
