"""The facts of a configuration: YAML in, JSON out, whatever the environment is."""

from __future__ import annotations

import json
import os
import textwrap
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from octo.builtin import plugins as builtin
from octo.config import codes
from octo.config.facts import facts

ROOT = Path(__file__).parents[2]
BUILTIN = builtin()
BROKEN = sorted((ROOT / "tests" / "config" / "broken").glob("*.yaml"))
SAMPLES = [each for each in sorted((ROOT / "samples").rglob("*.yaml")) if not each.stem.endswith("_test")]
SAMPLES = [each for each in SAMPLES if "example-package" not in each.parts]  # it has components that are not installed

FLOWS = """\
service: {name: shop}
env:
- {name: HTTP_PORT}
- {name: API_URL, default: "https://api.example.com/v1"}
- {name: BANK, required: true, secret: bank-token}
- {name: DB_DSN}
- {name: UNUSED, default: a}
- {name: TIMEOUT}
- {name: GREETING}
connectors:
- {name: web, type: http, settings: {port: "${HTTP_PORT}", basePath: /api}}
- name: bank
  type: http-client
  settings:
    baseURL: ${API_URL}
    timeout: ${TIMEOUT}
    auth: {type: oauth2, tokenURL: "https://login.example.com/token", clientID: octo, clientSecret: "${BANK}"}
- {name: store, type: database, settings: {driver: postgres, dsn: "${DB_DSN}"}}
flows:
- name: orders
  durability: journal
  source: {connector: web, type: http, settings: {path: "/orders/{id}", methods: [GET, PUT]}}
  process:
  - {type: rest, connector: bank, method: GET, path: /accounts}
  - type: if
    condition: has(env.GREETING)
    then:
    - {type: set-payload, value: env.GREETING}
- name: late
  deadLetter: {queue: lost}
  process:
  - {type: delay, for: "${TIMEOUT}"}
- source: {type: cron, settings: {schedule: "${TIMEOUT}"}}
  process: [{type: flow-ref, flow: late}]
"""


@pytest.fixture
def told(tmp_path):
    def read(text: str, env: str = ""):
        (tmp_path / "flow.yaml").write_text(textwrap.dedent(text))
        (tmp_path / ".env").write_text(env)
        return json.loads(json.dumps(facts(tmp_path / "flow.yaml", BUILTIN).as_json()))

    return read


def without(found: dict[str, object], *keys: str) -> dict[str, object]:
    return {key: value for key, value in found.items() if key not in keys}


def test_the_facts(told):
    """All that a control plane has to know; no variable has a value here."""
    found = told(FLOWS)

    assert (found["ok"], found["problems"], found["warnings"]) == (True, [], [])
    assert [without(each, "digest") for each in found["flows"]] == [
        {"name": "orders", "source": {"type": "http", "connector": "web"}, "durability": "journal", "callable": True},
        {"name": "late", "source": None, "durability": None, "callable": True},
        {"name": "flow-3", "source": {"type": "cron", "connector": "cron"}, "durability": None, "callable": False},
    ]
    assert [(each["address"], each["flow"], each["type"]) for each in found["blocks"]] == [
        ("orders.rest", "orders", "rest"),
        ("orders.if", "orders", "if"),
        ("orders.if[then].set-payload", "orders", "set-payload"),
        ("late.delay", "late", "delay"),
        ("flow-3.flow-ref", "flow-3", "flow-ref"),
    ]
    assert [(each["name"], each["type"]) for each in found["connectors"]] == [
        ("web", "http"), ("bank", "http-client"), ("store", "database"), ("cron", "cron"),
    ]  # fmt: skip
    assert found["routes"] == [
        {"connector": "web", "method": "GET", "path": "/api/orders/{id}", "flow": "orders"},
        {"connector": "web", "method": "PUT", "path": "/api/orders/{id}", "flow": "orders"},
    ]
    assert found["listens"] == [
        {"connector": "web", "port": "${HTTP_PORT}", "variable": "HTTP_PORT", "default": None, "host": "0.0.0.0"}
    ]
    assert [without(each, "block") for each in found["reaches"]] == [
        {
            "connector": "bank", "setting": "baseURL", "scheme": "https", "host": "api.example.com", "port": 443,
            "variables": ["API_URL"],
        },
        {
            "connector": "bank", "setting": "auth.tokenURL", "scheme": "https", "host": "login.example.com",
            "port": 443, "variables": [],
        },
        {
            "connector": "store", "setting": "dsn", "scheme": None, "host": None, "port": None,
            "variables": ["DB_DSN"],
        },
    ]  # fmt: skip
    assert found["secrets"] == [
        {"name": "bank-token", "variable": "BANK", "used_by": [{"kind": "connector", "name": "bank"}]},
        {"name": "DB_DSN", "variable": "DB_DSN", "used_by": [{"kind": "connector", "name": "store"}]},
    ]
    assert found["services"] == ["key-value", "leases", "queues"]
    assert found["resources"] == []


def test_the_variables(told):
    """Those that are declared, in their order; without a value they are no problem."""
    found = {each["name"]: without(each, "name") for each in told(FLOWS)["variables"]}

    assert found == {
        "HTTP_PORT": {"default": None, "required": True, "secret": False, "used": True, "given": False},
        "API_URL": {
            "default": "https://api.example.com/v1", "required": False, "secret": False, "used": True, "given": False,
        },
        "BANK": {"default": None, "required": True, "secret": True, "used": True, "given": False},
        "DB_DSN": {"default": None, "required": True, "secret": True, "used": True, "given": False},
        "UNUSED": {"default": "a", "required": False, "secret": False, "used": False, "given": False},
        "TIMEOUT": {"default": None, "required": True, "secret": False, "used": True, "given": False},
        "GREETING": {"default": None, "required": False, "secret": False, "used": True, "given": False},
    }  # fmt: skip


def test_an_env_file_of_the_folder_counts(told):
    found = told(FLOWS, "HTTP_PORT=9000\nDB_DSN=postgres://octo:s3cr3t-word@db/shop\n")

    assert found["listens"][0]["default"] == 9000
    assert (found["reaches"][2]["scheme"], found["reaches"][2]["host"], found["reaches"][2]["port"]) == (
        "postgres", "db", 5432,
    )  # fmt: skip
    assert [each["name"] for each in found["variables"] if each["given"]] == ["HTTP_PORT", "DB_DSN"]


def test_no_secret_appears(told):
    """Neither of a file, nor a default, nor one that stands in the flow; not even in a problem."""
    found = told(
        """\
        env:
        - {name: PASSWORD, default: hunter22}
        - {name: TOKEN}
        connectors:
        - {name: a, type: database, settings: {driver: postgres, dsn: "postgres://octo:word-of-1@db/shop"}}
        - {name: b, type: amqp, settings: {url: "amqp://octo:${PASSWORD}@mq"}}
        - {name: c, type: http-client, settings: {baseURL: "https://${TOKEN}.example.com", auth: {type: bearer}}}
        - {name: d, type: http-client, settings: {baseURL: "https://${PASSWORD:-word-of-2}.example.com"}}
        - {name: e, type: http-client, settings: {baseURL: "nowhere-${TOKEN}"}}
        """,
        "TOKEN=word-of-3\n",
    )

    shown = json.dumps(found)
    assert not found["ok"]
    assert [each["host"] for each in found["reaches"]] == ["db", "mq", None, None]
    assert not any(word in shown for word in ("hunter22", "word-of-1", "word-of-2", "word-of-3"))


def test_paths_of_routes(told, tmp_path):
    """With the values that the files give; never with a secret, which such a path may have."""
    (tmp_path / "pages").mkdir()
    found = told(
        """\
        env: [{name: PLACE}, {name: HOOK_TOKEN, default: word-of-4}, {name: BASE, default: /v1}]
        connectors: [{name: web, type: http, settings: {basePath: "${BASE}"}}]
        flows:
        - {name: a, source: {connector: web, type: http, settings: {path: /a}}, process: []}
        - {name: b, source: {connector: web, type: http, settings: {path: "/${PLACE}/b"}}, process: []}
        - {name: c, source: {connector: web, type: http, settings: {path: "/${PLACE:-c}"}}, process: []}
        - {name: d, source: {connector: web, type: http, settings: {path: "/d/${HOOK_TOKEN:-e}"}}, process: []}
        - {name: e, source: {connector: web, type: static, settings: {path: /e, folder: pages}}, process: []}
        """
    )

    assert found["problems"] == []
    assert [f"{each['flow']} {each['method']} {each['path']}" for each in found["routes"]] == [
        "a * /v1/a",
        "b * /v1/${PLACE}/b",
        "c * /v1/c",
        "d * /v1/d/${HOOK_TOKEN}",
        "e GET /v1/e/{path...}",
        "e HEAD /v1/e/{path...}",
    ]


def test_a_variable_in_a_secret_setting_is_secret(told):
    """Whatever it is called: its default may have a password."""
    found = told(
        """\
        env: [{name: STORE, default: "postgres://octo:word-of-5@db/shop"}]
        connectors: [{name: a, type: database, settings: {driver: postgres, dsn: "${STORE}"}}]
        """
    )

    assert (found["variables"][0]["secret"], found["variables"][0]["default"]) == (True, None)
    assert found["reaches"][0]["host"] == "db"
    assert "word-of-5" not in json.dumps(found)


def test_a_port_that_is_nowhere_written(told):
    """It is that of the environment, or the usual one."""
    found = told("flows: [{source: {type: http, settings: {path: /}}, process: []}]")

    assert found["listens"] == [
        {"connector": "http", "port": "${HTTP_PORT}", "variable": "HTTP_PORT", "default": 8080, "host": "0.0.0.0"}
    ]


def test_a_default_is_checked_like_a_value(told):
    """It is what the files say, so it has to be right."""
    found = told(
        """\
        env: [{name: PORT, default: abc}]
        connectors: [{name: web, type: http, settings: {port: "${PORT}"}}]
        """
    )

    assert [each["code"] for each in found["problems"]] == [codes.INVALID]


def test_what_is_wrong_beside_a_variable_is_found(told):
    """The timeout may be right, the called flow is not."""
    found = told(
        """\
        env: [{name: T}]
        connectors: [{name: c, type: http-client, settings: {baseURL: "https://a.example", timeout: "${T}"}}]
        flows:
        - name: f
          process:
          - {type: retry, maxAttempts: "${T}", process: [{type: flow-ref, flow: nosuch}]}
          - {type: nosuch}
        """
    )

    assert [each["code"] for each in found["problems"]] == [codes.UNKNOWN_FLOW, codes.UNKNOWN_BLOCK]
    assert [each["address"] for each in found["blocks"]] == ["f.retry", "f.retry[process].flow-ref", "f.nosuch"]


def test_a_file_that_ends_too_soon_has_facts(told):
    found = told("flows:\n- name: a\n  process:\n  - {type: log, message: '\"a\"'}\n  - {type: set-payload, value: [")

    assert not found["ok"]
    assert [each["address"] for each in found["blocks"]] == ["a.log", "a.set-payload"]


def test_a_path_that_leads_nowhere(tmp_path):
    found = facts(tmp_path / "none.yaml", BUILTIN).as_json()

    assert (found["ok"], found["flows"]) == (False, [])


def test_resources(told, tmp_path):
    """Templates, and the files that settings name."""
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "a.html").write_text("<p>{{ env.NAME }}</p>")
    (tmp_path / "key.pem").write_text("no key")
    found = told(
        """\
        env: [{name: NAME}]
        resources: {templates: [{resource: pages/a.html}]}
        flows:
        - name: f
          process:
          - {type: template-resource, resource: pages/a.html}
          - {type: jwt-validate, mode: inline, publicKeyResource: key.pem}
        """
    )

    assert found["resources"] == ["key.pem", "pages/a.html"]
    assert found["variables"][0]["used"]


def test_jwt_keys_are_fetched_from_their_issuer(told):
    """Of the addresses of a block only that counts which its mode uses."""
    found = told(
        """\
        flows:
        - name: f
          process:
          - {type: jwt-validate, issuer: "https://login.example.com"}
          - {type: jwt-validate, mode: jwks, issuer: "https://a.example", jwksUrl: "https://keys.example.com/k"}
        """
    )

    assert [(each["connector"], each["block"], each["setting"], each["host"]) for each in found["reaches"]] == [
        (None, "f.jwt-validate", "issuer", "login.example.com"),
        (None, "f.jwt-validate#2", "jwksUrl", "keys.example.com"),
    ]


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_sample_has_facts(path: Path):
    found = facts(path, BUILTIN).as_json()

    assert found["problems"] == []
    assert found["flows"]
    json.dumps(found)


@pytest.mark.parametrize("path", BROKEN, ids=lambda path: path.name)
def test_broken_files_have_facts(path: Path):
    json.dumps(facts(path, BUILTIN).as_json())


NAMES = ("HTTP_PORT", "HTTP_HOST", "API_URL", "BANK", "DB_DSN", "TIMEOUT", "HTTPS_PROXY", "OCTO_SERVICES")


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(environ=st.dictionaries(st.sampled_from(NAMES), st.text("abc:/1${}", max_size=8)))
def test_the_environment_changes_nothing(environ, told, monkeypatch):
    """The facts of a version are the same wherever somebody asks for them."""
    usual = told(FLOWS)
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)

    assert os.environ.get("BANK") == environ.get("BANK")
    assert told(FLOWS) == usual


def test_env_files_elsewhere_change_nothing(told, tmp_path, monkeypatch):
    usual = told(FLOWS)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / ".env").write_text("HTTP_PORT=1\n")
    monkeypatch.chdir(elsewhere)
    monkeypatch.setenv("OCTO_ENV_FILE", str(elsewhere / ".env"))

    assert told(FLOWS) == usual


CALLS = """\
flows:
- name: a
  process:
  - {type: python, settings: {call: "mine:f", with: {amount: "1"}}}
"""


@pytest.mark.parametrize("shadow", ["mine.py", "mine/__init__.py"])
def test_modules_of_the_author_are_read_and_never_run(told, tmp_path, shadow):
    ran = tmp_path / "ran"
    for name in (shadow, "sitecustomize.py", "orjson.py", "msgpack.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"open({str(ran)!r}, 'w')\ndef f(amount): ...\n")
    assert told(CALLS)["ok"]
    assert not ran.exists()


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("def f(amount, *, rate=1): ...", None),
        ("async def f(**any): ...", None),
        ("from elsewhere import *", None),
        ("try:\n    from fast import f\nexcept ImportError:\n    f = None", None),
        ("@traced\ndef f(): ...", None),
        ("class f: ...", None),
        ("def f(sum): ...", "has no parameter `amount`"),
        ("def f(amount, rate): ...", "needs `rate`"),
        ("def g(amount): ...", "`mine` has no `f`"),
        ("def f(amount:", "SyntaxError"),
        ("\0", "fails"),
        ("x = " + "(" * 5000, "fails"),
    ],
)
def test_what_the_source_of_a_function_tells(told, tmp_path, source, problem):
    (tmp_path / "mine.py").write_text(source)
    found = told(CALLS)
    assert found["ok"] is (problem is None), found["problems"]
    assert problem is None or problem in str(found["problems"])
