"""What a chain has made becomes content: text, pictures, sound, resources; or what it says itself."""

from __future__ import annotations

import base64

import mcp_types as types
import pytest

from octo.ai.mcp.serving import content
from octo.core.errors import Permanent
from octo.core.message import Message
from octo.core.settings import Secret


def raw(kind: str, data: str | bytes) -> Message:
    return Message({"contentType": kind, "rawData": data}, raw=True)


def test_a_body_is_its_json():
    assert content.blocks(Message({"a": [1, None]})) == [types.TextContent(text='{"a":[1,null]}')]
    assert content.blocks(Message("text")) == [types.TextContent(text='"text"')]


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        (raw("text/plain; charset=utf-8", "hello"), types.TextContent),
        (raw("image/png", b"\x89PNG"), types.ImageContent),
        (raw("audio/wav", b"RIFF"), types.AudioContent),
        (raw("application/pdf", b"%PDF\xff"), types.EmbeddedResource),
    ],
)
def test_raw_content_is_what_its_media_type_says(message, kind):
    (block,) = content.blocks(message)

    assert isinstance(block, kind)


def test_bytes_are_sent_as_they_are():
    (block,) = content.blocks(raw("image/png", b"\x00\xff"))

    assert (base64.b64decode(block.data), block.mime_type) == (b"\x00\xff", "image/png")


def test_a_chain_may_say_what_the_content_is():
    said = [{"type": "text", "text": "one"}, {"type": "resource", "resource": {"uri": "a:b", "text": "two"}}]

    one, two = content.blocks(Message(None, {"mcpContent": said}))

    assert (one.text, two.resource.text) == ("one", "two")


@pytest.mark.parametrize("said", ["text", {}, [{"type": "nope"}], [{"type": "image", "data": 4}], [1]])
def test_what_is_no_content_is_an_error(said):
    with pytest.raises(Permanent, match="no list of content blocks"):
        content.blocks(Message(None, {"mcpContent": said}))


def test_contents_of_a_resource_keep_their_address():
    text = content.contents(Message({"a": 1}), "docs://a", "application/json")
    data = content.contents(raw("image/png", b"\x89"), "docs://b", "text/plain")

    assert (text.uri, text.mime_type, text.text) == ("docs://a", "application/json", '{"a":1}')
    assert (data.uri, data.mime_type, data.blob) == ("docs://b", "image/png", "iQ==")


def test_a_prompt_is_a_text():
    assert content.blocks(Message("hello"), is_prompt=True) == [types.TextContent(text="hello")]


def test_no_secret_is_in_a_text():
    Secret("correct horse battery").get_secret_value()
    said = Message({"key": "correct horse battery"})

    assert "horse" not in content.blocks(said)[0].text
    assert "horse" not in content.blocks(raw("text/plain", "correct horse battery"))[0].text
    assert "horse" not in content.contents(said, "docs://a", "text/plain").text
    assert "horse" not in str(content.plain(said.body))
