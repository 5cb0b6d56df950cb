"""Cassettes: recorded from a real server, replayed without it, compared with it, and free of secrets."""

from __future__ import annotations

import base64
import html
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import quote_plus

import pytest
from hypothesis import example, given, strategies as st

from octo.config.load import load
from octo.config.report import Report
from octo.config.substitute import literal
from octo.config.yaml import read
from octo.connectors.http_client.cassette import FORM
from octo.core import secrets
from octo.core.cassette import Exchange
from octo.core.errors import ConfigError, Position
from octo.suite import Cassettes, Configs, exit_code, plan, run_case
from octo.suite.cassettes import rendered
from octo.suite.drift import drift

KEY = "canary+key/4711&of the<shop>"
COOKIE = "canary-session-of-a-shopper"
TOKEN = "canary-token-that-the-server-made"

FLOWS = """
env:
  - {name: URL, default: "http://127.0.0.1:1"}
  - {name: SHOP_KEY, required: true, secret: true}
connectors:
  - name: shop
    type: http-client
    settings:
      baseURL: ${URL}/v1
      headers: {X-Api-Key: "${SHOP_KEY}"}
      timeout: 5s
  - name: bank
    type: http-client
    settings:
      baseURL: ${URL}/bank
      auth: {type: oauth2, tokenURL: "${URL}/token", clientID: me, clientSecret: "${SHOP_KEY}"}
flows:
  - name: ask
    process:
      - {type: rest, settings: {connector: shop, path: /items, query: {sku: body.sku, api_key: env.SHOP_KEY}}}
  - name: order
    process:
      - {type: rest, settings: {connector: shop, method: POST, path: /orders, body: body}}
  - name: twice
    process:
      - {type: rest, name: one, settings: {connector: shop, path: /count}}
      - {type: set-variable, settings: {name: first, value: body}}
      - {type: rest, name: two, settings: {connector: shop, path: /count}}
      - {type: set-payload, settings: {value: "[vars.first, body]"}}
  - name: echo
    process:
      - {type: rest, settings: {connector: shop, path: "/echo/{body}/{env.SHOP_KEY}"}}
  - name: lost
    process:
      - {type: rest, settings: {connector: shop, path: /nothing}}
  - name: pay
    process:
      - {type: rest, settings: {connector: bank, path: /pay}}
"""

ASK = """
flow: ask
env: {SHOP_KEY: a-key-for-tests}
stubs: {shop: {cassette: cassettes/shop.yaml}}
cases:
  - {name: asks, input: {data: {sku: A1}}, expect: {body: {sku: A1, price: 3}}}
"""

TWICE = "{flow: twice, env: {SHOP_KEY: k}, stubs: {shop: {cassette: c.yaml}}, cases: [{name: a}]}"

PAY = """
flow: pay
env: {SHOP_KEY: k}
stubs: {bank: {cassette: c.yaml}}
cases: [{name: a, expect: {that: [body.paid]}}]
"""


class Shop(ThreadingHTTPServer):
    """A real server. price: what things cost. heads: the headers that it got."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.price: object = 3
        self.count = 0
        self.heads = []
        self.paths = []
        self.url = f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.server.heads.append(dict(self.headers))
        self.server.paths.append(self.path)
        path = self.path.partition("?")[0]
        if path.startswith("/v1/echo"):
            self.echo()
            return
        if path == "/v1/items":
            told = {"sku": "A1", "price": self.server.price}
            self.answer(told, ("Set-Cookie", f"session={COOKIE}; Path=/"))
        elif path == "/v1/count":
            self.server.count += 1
            self.answer(self.server.count)
        elif path == "/bank/pay":
            right = self.headers["Authorization"] == f"Bearer {TOKEN}"
            self.answer({"paid": right, "with": self.headers["Authorization"]}, status=200 if right else 401)
        else:
            self.answer({"error": "no such thing"}, status=404)

    def echo(self) -> None:
        """Say what was sent in every way in which a server may."""
        key = self.headers["X-Api-Key"]
        told = {
            "plain": f"you sent {key}!",
            key: "as a key",
            "basic": base64.b64encode(f"me:{key}".encode()).decode(),
            "urlsafe": base64.urlsafe_b64encode(key.encode()).decode(),
            "hex": key.encode().hex(),
            "url": quote_plus(f"https://x.test/?k={key}"),
            "json": json.dumps(json.dumps({"key": key})),
            "html": html.escape(key),
            "list": [[key]],
            "path": self.path,
        }
        data = json.dumps(told).encode() if "json" in self.path else b"\xff\x00" + key.encode() + b"\x00"
        self.send_response(200)
        kind = "application/json" if "json" in self.path else "application/octet-stream"
        for name, each in (("Content-Type", kind), ("Content-Length", str(len(data))), ("X-Echo", f"key={key}")):
            self.send_header(name, each)
        self.end_headers()
        self.wfile.write(data)

    def do_POST(self) -> None:
        self.server.paths.append(self.path)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/token":
            self.answer({"access_token": TOKEN, "expires_in": 3600})
        else:
            self.answer({"id": 1, "got": json.loads(body)}, status=201)

    def answer(self, value: object, *headers: tuple[str, str], status: int = 200) -> None:
        data = json.dumps(value).encode()
        self.send_response(status)
        for name, each in (("Content-Type", "application/json"), ("Content-Length", str(len(data))), *headers):
            self.send_header(name, each)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def shop():
    server = Shop()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(autouse=True)
def _forget_secrets(monkeypatch):
    monkeypatch.setattr(secrets, "_secrets", {})
    monkeypatch.setattr(secrets, "_names", {})


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "shop.yaml").write_text(FLOWS)
    return tmp_path


@pytest.fixture
def run(folder, plugins, monkeypatch):
    """Run the cases of a test file; return their outcomes and the cassettes. server: None where there is none."""

    def made(text, mode="replay", server=None):
        (folder / "shop_test.yaml").write_text(text)
        if server is not None:
            monkeypatch.setenv("URL", server.url)
            monkeypatch.setenv("SHOP_KEY", KEY)
        else:
            monkeypatch.delenv("URL", raising=False)
            monkeypatch.delenv("SHOP_KEY", raising=False)
        cassettes, configs = Cassettes(mode), Configs(lambda path, environ: load(path, plugins, environ))
        planned = plan([folder / "shop_test.yaml"], configs, cassettes=cassettes)
        return [run_case(case, configs) for case in planned.cases], cassettes

    return made


def told(outcomes):
    return [each.summary for each in outcomes]


def test_what_was_recorded_is_replayed_without_the_server(run, shop, folder):
    outcomes, cassettes = run(ASK, "record", shop)
    assert (told(outcomes), [(each.file.name, each.added) for each in cassettes.save()]) == ([""], [("shop.yaml", 1)])

    outcomes, _ = run(ASK)

    assert told(outcomes) == [""]
    assert len(shop.paths) == 1


def test_the_file_is_for_people_and_has_no_secret(run, shop, folder):
    _, cassettes = run(ASK, "record", shop)
    cassettes.save()

    assert (
        (folder / "cassettes" / "shop.yaml").read_text()
        == """\
# Recorded by `octo test --record`; secrets are masked. See docs/cassettes.md.
cassette: 1
of: http-client
exchanges:
  - request:
      method: GET
      path: /items
      query:
        api_key: «secret:api_key»
        sku: A1
    reply:
      status: 200
      headers:
        content-type: application/json
        set-cookie:
          - session=«secret:session»; Path=/
      body:
        sku: A1
        price: 3
"""
    )
    assert shop.heads[0]["X-Api-Key"] == KEY  # the real one was sent, although the test file has one for tests


def test_a_refusal_is_recorded_and_told(run, shop):
    """A key that is wrong would be replayed for ever."""
    text = ASK.replace("flow: ask", "flow: lost").replace(", expect: {body: {sku: A1, price: 3}}", "")

    _, cassettes = run(text, "record", shop)

    assert [each.doubts for each in cassettes.save()] == [("GET /nothing: status 404",)]


@pytest.mark.parametrize("kind", ["json", "bytes"])
def test_a_secret_is_nowhere_in_the_file_however_the_server_repeats_it(run, shop, folder, kind):
    text = f"""
flow: echo
env: {{SHOP_KEY: a-key-for-tests}}
stubs: {{shop: {{cassette: c.yaml}}}}
cases: [{{name: a, input: {{data: {kind}}}}}]
"""
    _, cassettes = run(text, "record", shop)
    cassettes.save()

    recorded = (folder / "c.yaml").read_text()
    forms = [KEY, quote_plus(KEY), KEY.encode().hex(), html.escape(KEY), json.dumps(KEY)[1:-1]]
    forms += [
        base64.b64encode(each)[2:-3].decode() for each in (KEY.encode(), b"." + KEY.encode(), b".." + KEY.encode())
    ]
    assert [each for each in forms if each in recorded] == []
    assert b"canary" not in b"".join(base64.b64decode(each) for each in re.findall(r"[A-Za-z0-9+/=]{40,}", recorded))
    assert f"/echo/{kind}/«secret:SHOP_KEY»" in recorded
    assert told(run(text)[0]) == [""]


def test_only_what_is_missing_is_recorded(run, shop, folder):
    _, cassettes = run(ASK, "record", shop)
    cassettes.save()
    more = ASK + "  - {name: asks again, input: {data: {sku: B2}}}\n"

    _, cassettes = run(more, "record", shop)

    assert [each.added for each in cassettes.save()] == [1]
    assert [each.partition("sku=")[2][:2] for each in shop.paths] == ["A1", "B2"]


def test_equal_requests_get_their_replies_in_order(run, shop):
    text = TWICE.replace("{name: a}", "{name: a, expect: {body: [1, 2]}}")
    _, cassettes = run(text, "record", shop)
    cassettes.save()

    assert told(run(text)[0]) == [""]


def test_a_token_is_not_in_the_file_and_a_partly_recorded_cassette_goes_on(run, shop, folder):
    """A masked token cannot be sent, so it is asked for again while something is recorded."""
    text = PAY
    outcomes, cassettes = run(text, "record", shop)
    cassettes.save()
    assert told(outcomes) == [""]
    content = (folder / "c.yaml").read_text()
    assert (TOKEN in content, KEY in content) == (False, False)
    assert "access_token: «secret:access_token»" in content
    assert "with: Bearer «secret:access_token»" in content
    assert told(run(text)[0]) == [""]

    (folder / "c.yaml").write_text(content[: content.index("  - request:\n      method: GET")])
    outcomes, cassettes = run(text, "record", shop)

    assert (told(outcomes), [each.added for each in cassettes.save()]) == ([""], [1])


def test_a_request_that_is_not_recorded_names_the_nearest(run, shop):
    _, cassettes = run(ASK, "record", shop)
    cassettes.save()

    outcomes, _ = run(ASK.replace("data: {sku: A1}", "data: {sku: C3}"))

    assert "has no reply to GET /items?api_key=«secret:api_key»&sku=C3; the nearest is exchange 1" in told(outcomes)[0]
    assert 'which differs in query.sku: recorded "A1", asked "C3"; `octo test --record` records it' in told(outcomes)[0]


def test_a_reply_is_given_once_unless_it_is_repeated(run, shop):
    text = TWICE
    _, cassettes = run(text, "record", shop)
    cassettes.save()
    three = text.replace("[{name: a}]", "[{name: a, calls: [{}, {flow: twice}]}]")

    assert "its 2 recorded replies were given" in told(run(three)[0])[0]
    assert told(run(three.replace("c.yaml}", "c.yaml, repeat: true}"))[0]) == [""]


def test_drift_shows_what_has_changed_and_writes_nothing(run, shop, folder):
    _, cassettes = run(ASK, "record", shop)
    cassettes.save()
    before = (folder / "cassettes" / "shop.yaml").read_bytes()
    _, cassettes = run(ASK, "drift", shop)
    assert [each.text for each in drift(cassettes).lines] == [
        f"same  {folder / 'cassettes' / 'shop.yaml'}  1 exchange, as recorded"
    ]

    shop.price = "3.00"
    outcomes, cassettes = run(ASK, "drift", shop)

    found = drift(cassettes)
    assert found.is_any
    assert [each.text for each in found.lines] == [
        f"DRIFT {folder / 'cassettes' / 'shop.yaml'}  1 of 1 exchange",
        "  exchange 1, GET /items?api_key=«secret:api_key»&sku=A1",
        '      body.price: was 3, is "3.00"',
    ]
    assert exit_code(outcomes) == 1  # the flow sees what the server says now
    assert cassettes.save() == []
    assert (folder / "cassettes" / "shop.yaml").read_bytes() == before


def test_an_ignored_place_is_no_drift_and_fits_any_value(run, shop):
    text = """
flow: order
env: {SHOP_KEY: k}
stubs: {shop: {cassette: c.yaml, ignore: [request.body.at, reply.body.got.at]}}
cases: [{name: a, input: {data: {at: 1, sku: A1}}}]
"""
    _, cassettes = run(text, "record", shop)
    cassettes.save()
    later = text.replace("at: 1", "at: 2")

    assert told(run(later)[0]) == [""]
    assert not drift(run(later, "drift", shop)[1]).is_any


def test_real_calls_are_made_in_virtual_time(run, shop):
    text = ASK.replace("flow: ask", "flow: ask\nclock: virtual")
    outcomes, cassettes = run(text, "record", shop)
    cassettes.save()

    assert (told(outcomes), told(run(text)[0])) == ([""], [""])


def test_a_server_that_is_away_is_not_recorded(run, shop, folder, free_port):
    shop.url = f"http://127.0.0.1:{free_port()}"

    outcomes, cassettes = run(ASK, "record", shop)

    assert "cannot connect" in told(outcomes)[0]
    assert cassettes.save() == []
    assert not (folder / "cassettes").exists()


@pytest.mark.parametrize(
    ("content", "place", "problem"),
    [
        ("a: [", "2:1", "OCTO-C103"),
        ("a: 1", "1:1", "this is no cassette"),
        ("cassette: 2", "1:11", "another version"),
        ("{cassette: 1, of: llm, exchanges: []}", "1:19", "not of a `http-client` connector"),
        ("{cassette: 1, of: http-client}", "1:1", "`exchanges` must be a list"),
        ("{cassette: 1, of: http-client, exchanges: [], more: 1}", "1:47", "no key `more`"),
        ("{cassette: 1, of: http-client, exchanges: [{request: {}}]}", "1:44", "has a `request` and a `reply`"),
        (
            "{cassette: 1, of: http-client, exchanges: [{request: {method: GET, path: /}, reply: {status: yes}}]}",
            "1:94",
            "status",
        ),
        (
            "{cassette: 1, of: http-client, exchanges: [{request: {method: GET, path: /}, reply: 200}]}",
            "1:85",
            "must be a mapping",
        ),
    ],
)
def test_a_damaged_cassette_is_refused_with_the_place(run, folder, content, place, problem):
    (folder / "cassettes").mkdir()
    (folder / "cassettes" / "shop.yaml").write_text(content)

    with pytest.raises(ConfigError) as caught:
        run(ASK)

    assert f"cassettes/shop.yaml:{place}: " in str(caught.value)
    assert problem in str(caught.value)


def test_a_missing_cassette_says_how_it_is_made(run, folder):
    with pytest.raises(ConfigError) as caught:
        run(ASK)

    assert "shop_test.yaml:4:26: OCTO-Y103: there is no cassette" in str(caught.value)
    assert "`octo test --record` makes it" in str(caught.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(JSON)
@example("1e3")
@example("0o17")
@example("2026-01-01")
@example("\x00\x1b[31m")
@example("«secret:A»")
@example(" a\n\n b \n")
@example(1e300)
def test_a_body_is_read_as_it_was_written(body):
    """Strings that look like numbers stay strings, and nothing is rounded."""
    text = rendered("http-client", [Exchange({"method": "GET", "path": "/"}, {"status": 200, "body": body})])
    report = Report()
    tree = read(text.encode(), "c.yaml", report)

    assert report.problems == []
    found = literal(tree).value["exchanges"][0]["reply"]["body"]
    assert (found, repr(found)) == (body, repr(body))


GOOD = rendered(
    "http-client",
    [
        Exchange(
            {"method": "GET", "path": "/", "query": {"a": "1"}}, {"status": 200, "headers": {"a": "b"}, "body": [1]}
        )
    ],
).encode()


@given(st.integers(0, len(GOOD) - 1), st.binary(max_size=4), st.integers(0, 20))
def test_a_file_that_was_damaged_anywhere_is_read_or_refused(tmp_path_factory, at, put, gone):
    """With problems that have a place; nothing else is raised."""
    file = tmp_path_factory.mktemp("damaged", numbered=True) / "c.yaml"
    file.write_bytes(GOOD[:at] + put + GOOD[at + gone :])
    report = Report()

    found = Cassettes().find(file, "http-client", FORM, Position("t", 1, 1), report)

    assert (found is None) == bool(report.problems)
    assert all(each.at.file == str(file) for each in report.problems)


def test_values_are_of_the_kinds_that_the_connector_wants_and_stay_in_their_order(tmp_path):
    file, report = tmp_path / "c.yaml", Report()
    reply = "{headers: {a: '1'}, body: {b: 1, a: 2}, status: '200'}"
    file.write_text(
        f"{{cassette: 1, of: http-client, exchanges: [{{request: {{path: /, method: GET}}, reply: {reply}}}]}}"
    )

    found = Cassettes().find(file, "http-client", FORM, Position("t", 1, 1), report)

    assert list(found.exchanges[0].reply.items()) == [
        ("headers", {"a": "1"}),
        ("body", {"b": 1, "a": 2}),
        ("status", 200),
    ]
    assert list(found.exchanges[0].request) == ["path", "method"]
