"""The routes of the files of an integration: one by one, or all as a zip archive."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import Path, Request, Response
from sqlalchemy import func, select

from octo_platform.flows.archive import check_files, checked_path, kind_of, packed, unpacked
from octo_platform.integrations import store
from octo_platform.problem import Problem
from octo_platform.storage.tables import File, now
from octo_platform.web import limits
from octo_platform.web.call import Within
from octo_platform.web.etags import IfMatch, IfNoneMatch, etag, expect, of, revise, tell
from octo_platform.web.routing import Routes
from octo_platform.web.shapes import Shape

routes = Routes("files")

ZIP = "application/zip"
BYTES = "application/octet-stream"
FilePath = Annotated[str, Path(max_length=200, description="The path, with `/`")]
_OF_BYTES: dict[str, Any] = {
    "requestBody": {"required": True, "content": {BYTES: {"schema": {"type": "string", "format": "binary"}}}}
}
_OF_ZIP: dict[str, Any] = {
    "requestBody": {"required": True, "content": {ZIP: {"schema": {"type": "string", "format": "binary"}}}}
}
_ROOT = "/workspaces/{workspace}/integrations/{integration}"


class FileShown(Shape):
    """A file, without its content. size: bytes."""

    path: str
    kind: Literal["flow", "test", "resource"]
    size: int
    etag: str
    updated_at: datetime


@routes.on("GET", f"{_ROOT}/files", "integrations.read", tool=True)
async def list_files(call: Within, integration: str) -> list[FileShown]:
    """List the files by path. There are at most 500."""
    async with call.read() as session:
        row = await store.integration(session, call.space.id, integration)
        query = select(File.path, func.length(File.content), File.revision, File.updated_at)
        found = await session.execute(query.where(File.integration_id == row.id).order_by(File.path))
        return [
            FileShown(path=path, kind=kind_of(path), size=size, etag=etag(revision, at), updated_at=at)
            for path, size, revision, at in found
        ]


@routes.on("GET", f"{_ROOT}/files/{{path:path}}", "integrations.read", tool=True, response_class=Response)
async def read_file(call: Within, integration: str, path: FilePath) -> Response:
    """Send the content of a file, as bytes: nothing that it says is shown as a page of ours."""
    async with call.read() as session:
        row = await store.integration(session, call.space.id, integration)
        file = await session.get(File, (row.id, checked_path(path)))
    if file is None:
        raise Problem("not-found", f"there is no file {path!r}")
    headers = {"ETag": of(file), "Content-Disposition": "attachment"}
    return Response(file.content, media_type=BYTES, headers=headers)


@routes.on("PUT", f"{_ROOT}/files/{{path:path}}", "integrations.write", tool=True, status_code=204, openapi=_OF_BYTES)
async def write_file(
    call: Within, integration: str, path: FilePath, request: Request, response: Response,
    if_match: IfMatch = None, if_none_match: IfNoneMatch = None,
) -> None:  # fmt: skip
    """Write a file. A new one needs `If-None-Match: *`, an existing one its ETag."""
    call.target = f"file {call.space.name}/{integration}/{path}"
    content = await request.body()
    async with call.write() as session:
        row = await store.integration(session, call.space.id, integration, lock=True)
        file = await session.get(File, (row.id, checked_path(path)))
        if file is not None:
            expect(file, if_match)
        elif if_none_match != "*":
            text = "a new file needs `If-None-Match: *`"
            raise Problem("changed" if if_match else "if-match-needed", text)
        more = await store.put_files(session, row, {path: content}, whole=False)
        await limits.more_bytes(session, call, more)
        row.revision += 1
        row.updated_by = call.user_id
        await session.flush()
        file = await session.get_one(File, (row.id, path))
    tell(response, file)


@routes.on("DELETE", f"{_ROOT}/files/{{path:path}}", "integrations.write", tool=True, status_code=204)
async def delete_file(call: Within, integration: str, path: FilePath, if_match: IfMatch = None) -> None:
    """Delete a file. Versions that were made with it keep it."""
    call.target = f"file {call.space.name}/{integration}/{path}"
    async with call.write() as session:
        row = await store.integration(session, call.space.id, integration, lock=True)
        file = await session.get(File, (row.id, checked_path(path)))
        if file is None:
            raise Problem("not-found", f"there is no file {path!r}")
        expect(file, if_match)
        await session.delete(file)
        row.revision += 1
        row.updated_at, row.updated_by = now(), call.user_id


@routes.on("GET", f"{_ROOT}/archive", "integrations.read", response_class=Response)
async def read_archive(call: Within, integration: str) -> Response:
    """Send all files as a zip archive."""
    async with call.read() as session:
        row = await store.integration(session, call.space.id, integration)
        files = await store.files_of(session, row.id)
    headers = {"ETag": of(row), "Content-Disposition": f'attachment; filename="{row.name}.zip"'}
    return Response(packed(files), media_type=ZIP, headers=headers)


@routes.on("PUT", f"{_ROOT}/archive", "integrations.write", status_code=204, openapi=_OF_ZIP)
async def write_archive(
    call: Within, integration: str, request: Request, response: Response, if_match: IfMatch = None
) -> None:
    """Replace all files by those of a zip archive. What it lacks is deleted."""
    call.target = f"files of {call.space.name}/{integration}"
    files = unpacked(await request.body())
    check_files(files)
    if not any(kind_of(each) == "flow" for each in files):
        raise Problem("invalid", "there is no flow file at the top of the archive")
    async with call.write() as session:
        row = await store.integration(session, call.space.id, integration, lock=True)
        revise(row, if_match)
        more = await store.put_files(session, row, files, whole=True)
        await limits.more_bytes(session, call, more)
        row.updated_by = call.user_id
    tell(response, row)
