"""The routes of the audit log."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from octo_platform.storage.tables import AuditEntry
from octo_platform.web.call import Asked, Within
from octo_platform.web.paging import Cursor, Limit, Page, Statement, page, part
from octo_platform.web.routing import Routes
from octo_platform.web.shapes import Shape

routes = Routes("audit")


class EntryShown(Shape):
    """A write. actor: how they have shown who they are, and their id. outcome: HTTP status; 403 if it was refused."""

    id: str
    at: datetime
    actor: str
    action: str
    target: str
    outcome: int
    request: str


def shown(row: AuditEntry) -> EntryShown:
    return EntryShown(
        id=row.id,
        at=row.at,
        actor=row.actor,
        action=row.action,
        target=row.target,
        outcome=row.outcome,
        request=row.request,
    )


@routes.on("GET", "/audit", "platform.read")
async def list_audit(call: Asked, limit: Limit = 50, cursor: Cursor = None) -> Page[EntryShown]:
    """List the writes in all workspaces and in the platform itself, the newest first."""
    return await _list(call, select(AuditEntry), limit, cursor)


@routes.on("GET", "/workspaces/{workspace}/audit", "audit.read")
async def list_audit_of_workspace(call: Within, limit: Limit = 50, cursor: Cursor = None) -> Page[EntryShown]:
    """List the writes in a workspace, the newest first."""
    return await _list(call, select(AuditEntry).where(AuditEntry.workspace_id == call.space.id), limit, cursor)


async def _list(call: Asked, query: Statement, limit: int, cursor: str | None) -> Page[EntryShown]:
    async with call.read() as session:
        rows = (await session.scalars(part(query, [AuditEntry.id], cursor, limit, newest=True))).all()
    return page(rows, limit, lambda each: [each.id], shown)
