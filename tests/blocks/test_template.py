"""template-resource makes a text of a file and a message."""

from __future__ import annotations

from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from octo.config.load import load
from octo.core import content
from octo.core.errors import ConfigError
from octo.core.flow import Failure, at_last
from octo.core.message import Message
from octo.engine.flow import FlowInlet
from octo.testing.harness import running

FILES = {
    "page.html": "<h1>{{ body.title }}</h1>",
    "mail.txt": "Dear {{ body.name }},\n{{ env.SHOP }} {{ vars.n }}",
    "bare.tmpl": "{{ body.title }}",
    "bad.txt": "fine\n{{ body.gone }}",
}
CONFIG = """
env: [{name: SHOP, default: Octo}]
resources:
  templates:
    - resource: page.html
    - {resource: mail.txt, as: mail}
    - {resource: bare.tmpl, as: bare}
    - resource: bad.txt
flows:
  - {name: body, process: [{type: template-resource, id: page.html}]}
  - {name: target, process: [{type: template-resource, id: mail, target: mail}]}
  - {name: raw, process: [{type: template-resource, id: bare, rawBody: true, contentType: text/html}]}
  - {name: plain, process: [{type: template-resource, id: bare, rawBody: true, contentType: text/plain}]}
  - {name: sent, process: [{type: set-payload, rawBody: true, contentType: text/html, value: '{BARE}'}]}
  - {name: text, process: [{type: set-payload, rawBody: true, contentType: text/plain, value: '{BARE}'}]}
  - {name: feed, process: [{type: template-resource, id: bare, rawBody: true, contentType: application/rss+xml}]}
  - {name: bad, process: [{type: template-resource, id: bad.txt}]}
  - {name: function, process: [{type: set-payload, value: 'templateResource("mail") + "!"'}]}
""".replace("{BARE}", 'templateResource("bare")')


def write(folder: Path, text: str = CONFIG, **files: str) -> Path:
    for name, each in {**FILES, **files}.items():
        (folder / name).write_text(each)
    (folder / "flow.yaml").write_text(text)
    return folder / "flow.yaml"


@asynccontextmanager
async def serving(folder: Path, plugins):
    async with running(write(folder), plugins) as app:
        yield app


@pytest.fixture
async def app(tmp_path, plugins):
    async with serving(tmp_path, plugins) as app:
        yield app


async def test_the_text_becomes_the_body_or_a_variable(app):
    """The other stays as it was."""
    body = {"title": "Tea & <Co>", "name": "Ada & Bob"}
    page = await app.call("body", body)
    mail = await app.call("target", body, {"n": 5.0})

    assert (page.body, page.raw) == ("<h1>Tea &amp; &lt;Co&gt;</h1>", False)
    assert (mail.body, mail.vars["mail"]) == (body, "Dear Ada & Bob,\nOcto 5")


async def test_a_raw_body_is_escaped_for_its_content_type(app):
    """A file whose name says nothing is markup if it is sent as markup."""
    assert content.out((await app.call("raw", {"title": "<"})).body) == ("text/html", b"&lt;")
    assert content.out((await app.call("plain", {"title": "<"})).body) == ("text/plain", b"<")


async def test_the_function_escapes_for_the_content_type_of_set_payload(app):
    """As the block does: the name of the template alone does not say that it is a page."""
    sent = [content.out((await app.call(name, {"title": "<"})).body)[1] for name in ("sent", "text", "feed")]
    assert sent == [b"&lt;", b"<", b"&lt;"]


async def test_the_function_renders_the_same(app):
    assert (await app.call("function", {"name": "Ada"}, {"n": 1})).body == "Dear Ada,\nOcto 1!"


async def test_a_failed_span_fails_the_block(app):
    """With its place in the file."""
    with pytest.raises(Failure, match=r"bad\.txt:2:9: no such key: gone"):
        await app.call("bad", {"a": 1})


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ("id: pages.html", "2:59 OCTO-C113 `id`: no template is called 'pages.html'"),
        ("id: mail.txt", "no template is called 'mail.txt'"),
        ('id: ""', "`id`"),
        ("id: page.html, rawBody: true", "belong together"),
        ("id: page.html, contentType: text/html", "belong together"),
        ("id: page.html, rawBody: true, contentType: text/html, target: x", "leave `target` out"),
        ('id: page.html, rawBody: true, contentType: "a\\nb"', "no line breaks"),
        ("target: x", "`id` of the `template-resource` block is missing"),
    ],
)
def test_what_cannot_work_is_refused(tmp_path, plugins, settings, why):
    """When the configuration is read. A template with an alias has no other name."""
    resources = "resources: {templates: [{resource: page.html}, {resource: mail.txt, as: mail}]}"
    flow = f"{resources}\nflows: [{{name: x, process: [{{type: template-resource, {settings}}}]}}]"
    with pytest.raises(ConfigError) as caught:
        load(write(tmp_path, flow), plugins, {})

    found = [f"{each.at.line}:{each.at.column} {each.code} {each.message}" for each in caught.value.problems]
    assert why in found[0]


def test_a_wrong_template_is_one_problem(tmp_path, plugins):
    """Who renders it is not blamed for it."""
    with pytest.raises(ConfigError) as caught:
        load(write(tmp_path, **{"bad.txt": "{{ body. }}"}), plugins, {})

    assert [f"{Path(each.at.file).name} {each.code}" for each in caught.value.problems] == ["bad.txt OCTO-E101"]


async def test_a_raw_body_may_get_another_type(tmp_path, plugins):
    """The content stays where it is: in memory, or in its file."""
    text = "flows: [{name: x, process: [{type: set-payload, rawBody: true, contentType: image/png, value: body}]}]"
    async with running(write(tmp_path, text), plugins) as app:
        message = Message({"contentType": "x/y", "rawData": b"\x00\xff"}, {}, raw=True)
        found = await at_last(FlowInlet(app.generation.flows["x"]).call(message))
        assert content.out(found.body) == ("image/png", b"\x00\xff")
        with pytest.raises(Failure, match="must be a string or bytes when rawBody is set, got dict"):
            await app.call("x", {"contentType": "x/y", "rawData": "a hand-made one"})
