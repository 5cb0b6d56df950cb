"""What every request passes: the right host, a size, headers for browsers."""

from __future__ import annotations

import pytest

from octo_platform.api.app import hosts_of
from octo_platform.api.guard import HEADERS, name_of
from octo_platform.options import Options
from tests.platform.asking import done, problem


@pytest.mark.parametrize(
    "host", ["evil.test", "127.0.0.1.evil.test", "", "a@127.0.0.1", "127.0.0.1:x", "localhost:8321:1"]
)
async def test_another_host_is_not_ours(client, host):
    """So a page of another site cannot reach it under a name of its own (DNS rebinding)."""
    assert await problem(client.get("/health", headers={"Host": host})) == "wrong-host"


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8321", "LOCALHOST:1", "[::1]:8321"])
async def test_names_of_this_machine_are(client, host):
    assert (await done(client.get("/health", headers={"Host": host}))).json()["ready"]


def test_a_public_one_answers_to_its_name_alone(tmp_path):
    options = Options(folder=tmp_path, host="0.0.0.0", public_url="https://octo.example.com:8443", hosts=("Octo",))
    assert hosts_of(options) == {"octo.example.com", "octo"}


@pytest.mark.parametrize(("host", "name"), [("A:1", "a"), ("[::1]:8", "[::1]"), ("::1", ""), ("a b", ""), ("a/", "")])
def test_the_name_in_a_host_header(host, name):
    assert name_of(host) == name


async def test_every_answer_has_the_headers_and_an_id(client):
    for path in ("/health", "/nothing", "/workspaces/x"):
        answer = await client.get(path)
        assert {name: answer.headers[name] for name in HEADERS} == HEADERS
        assert len(answer.headers["x-request-id"]) == 36
        assert answer.headers["cache-control"] == "no-store"


async def test_large_bodies_are_refused_whether_they_say_so_or_not(client):
    large = b'{"name": "' + b"x" * (3 << 20) + b'"}'

    async def chunks():
        for start in range(0, len(large), 1 << 16):
            yield large[start : start + (1 << 16)]

    headers = {"content-type": "application/json"}
    assert await problem(client.post("/workspaces", content=large, headers=headers)) == "too-large"
    assert await problem(client.post("/workspaces", content=chunks(), headers=headers)) == "too-large"


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b"null", b"\xff", b'{"name": "a", "name": 1}', b"[" * 100_000])
async def test_bodies_that_are_malformed_get_an_error(client, body):
    answer = client.post("/workspaces", content=body, headers={"content-type": "application/json"})
    assert await problem(answer) in ("malformed", "invalid")


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", None]
)
async def test_bodies_of_another_type_are_refused(client, kind):
    """A form of another site can send these types without asking."""
    answer = client.post("/workspaces", content=b'{"name": "a"}', headers={"content-type": kind} if kind else {})
    assert await problem(answer) == "wrong-type"


async def test_methods_and_paths_that_are_not_there(client):
    assert await problem(client.put("/workspaces")) == "wrong-method"
    assert await problem(client.get("/workspaces/")) in ("not-found", "wrong-method")
    assert await problem(client.get("/%2e%2e/%2e%2e/etc/passwd")) == "not-found"
    assert await problem(client.get("/health?" + "x" * 9000)) == "too-large"


@pytest.mark.parametrize("path", ["/session", "/setup", "/device", "/device/token", "/session/renewal"])
async def test_where_nobody_has_to_be_signed_in_bodies_are_small(client, path):
    assert await problem(client.post(path, json={"email": "x" * 20_000})) == "too-large"


async def test_many_wrong_members_are_one_fault(client):
    """Each of them would be told, which takes seconds in which nobody else is answered."""
    many = {f"m{n}": 1 for n in range(1_001)}
    await done(client.post("/workspaces", json={"name": "shop"}))
    for body, path in ((many, "/workspaces"), ({"name": "a", "files": many}, "/workspaces/shop/integrations")):
        answer = await client.post(path, json=body)
        assert answer.json()["code"] == "invalid"
        assert [each["what"] for each in answer.json()["faults"]] == ["it has at most 1,000 members"]
