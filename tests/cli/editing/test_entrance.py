"""Who may come in: a page of this machine that has the link."""

from __future__ import annotations

import pytest

from octo.cli.authoring.refusal import Refused
from octo.cli.editing import codes
from octo.cli.editing.entrance import KEY, MOST_LINKS, MOST_SESSIONS, Entrance

HOST = {"host": "127.0.0.1:4711"}


def token(link: str) -> str:
    return link.partition("#token=")[2]


def sent(session, **more) -> dict[str, str]:
    return {"cookie": session.cookie.partition(";")[0], KEY: session.key, **more}


def refused(call, *given) -> str:
    with pytest.raises(Refused) as caught:
        call(*given)
    return caught.value.code


def test_a_link_works_once():
    """Its token is exchanged for a session; after that it is nothing, and a new link is there for another browser."""
    links: list[str] = []
    entrance = Entrance(4711, links.append)
    link = entrance.link()

    session = entrance.exchange(token(link))

    entrance.admit(sent(session))
    assert link.startswith("http://127.0.0.1:4711/#token=")
    assert session.cookie.endswith("; Path=/; HttpOnly; SameSite=Strict")
    assert refused(entrance.exchange, token(link)) == codes.LINK
    entrance.admit(sent(entrance.exchange(token(links[0]))))


@pytest.mark.parametrize("wrong", ["", "x", "é" * 43, "x" * 10_000])
def test_a_wrong_token_opens_nothing(wrong):
    entrance = Entrance(4711)
    entrance.link()

    assert refused(entrance.exchange, wrong) == codes.LINK


def test_a_session_is_a_cookie_and_a_key():
    """Neither is enough: other servers of this machine see the cookie. The cookie of another session does not do."""
    entrance = Entrance(4711)
    one, other = (entrance.exchange(token(entrance.link())) for _ in range(2))

    assert refused(entrance.admit, {}) == codes.LINK
    assert refused(entrance.admit, sent(one, **{KEY: ""})) == codes.LINK
    assert refused(entrance.admit, sent(one, **{KEY: other.key})) == codes.LINK
    assert refused(entrance.admit, sent(one, cookie="octo-edit-4711=")) == codes.LINK
    entrance.admit(sent(one, cookie=f"a=b; {one.cookie}; c=d"))


def test_sessions_and_links_are_bounded():
    """The oldest of too many is forgotten."""
    entrance = Entrance(4711)
    links = [entrance.link() for _ in range(MOST_LINKS + 1)]

    assert refused(entrance.exchange, token(links[0])) == codes.LINK

    sessions = [entrance.exchange(token(entrance.link())) for _ in range(MOST_SESSIONS + 1)]
    assert refused(entrance.admit, sent(sessions[0])) == codes.LINK
    entrance.admit(sent(sessions[1]))


@pytest.mark.parametrize(
    "host", ["", "evil.test:4711", "127.0.0.1", "127.0.0.1:80", "127.0.0.1:4711.evil.test", "localhost:4711@evil.test"]
)
def test_a_name_that_leads_here_is_none_of_ours(host):
    """A name of somebody else may resolve to this machine (DNS rebinding)."""
    assert refused(Entrance(4711).check, "GET", {"host": host}) == codes.FOREIGN


@pytest.mark.parametrize("host", ["127.0.0.1:4711", "localhost:4711", "[::1]:4711", "LOCALHOST:4711"])
def test_names_of_this_machine(host):
    Entrance(4711).check("PUT", {"host": host, "origin": f"http://{host.lower()}", "sec-fetch-site": "same-origin"})


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.test"},
        {"origin": "null"},
        {"origin": "https://127.0.0.1:4711"},
        {"origin": "http://127.0.0.1:8080"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "same-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe"},
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_pages_of_other_addresses_are_refused(method, headers):
    """Also those of another port of this machine, and in a frame."""
    assert refused(Entrance(4711).check, method, {**HOST, **headers}) == codes.FOREIGN


def test_a_link_may_be_followed_from_anywhere():
    """A terminal in a web page may hold the link; the page itself is a program without content."""
    followed = {**HOST, "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}

    Entrance(4711).check("GET", followed)
    Entrance(4711).check("GET", {**HOST, "sec-fetch-site": "none"})
    assert refused(Entrance(4711).check, "POST", followed) == codes.FOREIGN
    assert refused(Entrance(4711).check, "POST", {**HOST, "sec-fetch-site": "none"}) == codes.FOREIGN
