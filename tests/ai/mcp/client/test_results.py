"""Results as bodies of messages, and as models get them."""

from __future__ import annotations

import base64

import pytest

from octo.ai.conversation import Attachment
from octo.ai.mcp.client import codes
from octo.ai.mcp.client.results import Result, contents, spoken
from octo.core.errors import Permanent

DATA = base64.b64encode(b"bytes").decode()
TEXT = {"type": "text", "text": "a"}
IMAGE = {"type": "image", "mimeType": "image/png", "data": DATA}
LINK = {"type": "resource_link", "uri": "a://b", "name": "b", "description": "the b"}
BLOB = {"type": "resource", "resource": {"uri": "a://b", "mimeType": "text/x", "blob": DATA}}
EMBEDDED = {"type": "resource", "resource": {"uri": "a://b", "text": "inside"}}


@pytest.mark.parametrize(
    ("result", "value"),
    [
        (Result([TEXT], {"n": 1}), {"n": 1}),
        (Result([TEXT], None), None),
        (Result([TEXT, TEXT]), "a\na"),
        (Result([]), ""),
        (Result([TEXT, IMAGE]), [TEXT, IMAGE]),
    ],
)
def test_a_structured_value_is_the_body_else_the_text_else_the_parts(result, value):
    assert result.value == value


def test_a_model_gets_text_in_which_files_are_named_and_the_files():
    answer = Result([TEXT, IMAGE, LINK, BLOB, EMBEDDED]).answer(10_000)

    assert answer.content == "a\n[image, image/png]\n[resource a://b: the b]\n[resource a://b, text/x]\ninside"
    assert answer.attachments == (Attachment("image/png", b"bytes"), Attachment("text/x", b"bytes", "a://b"))


def test_a_model_gets_a_value_without_text_as_json():
    assert Result([], {"n": 1}, is_error=True).answer(100).content == '{"n":1}'


def test_what_is_too_large_is_cut_for_a_model_and_refused_for_a_flow():
    result = Result([{"type": "text", "text": "ä" * 600}, IMAGE])

    answer = result.answer(1001)

    assert answer.content.startswith("ä" * 500 + "\n[cut: the result has")
    assert answer.attachments == ()
    with pytest.raises(Permanent, match=r"has \d+ bytes, at most 1001 are taken \(`maxResultBytes`\)") as caught:
        result.within(1001, "tool")
    assert caught.value.code == codes.TOO_LARGE


def test_a_file_that_is_no_base64_is_left_out():
    assert Result([{**IMAGE, "data": "§§§"}]).answer(100).attachments == ()


def test_the_value_of_a_resource():
    assert contents([{"uri": "a", "text": "t"}], 100, "a") == "t"
    assert contents([{"uri": "a", "blob": DATA}], 100, "a") == b"bytes"
    assert contents([{"uri": "a", "text": "t"}, {"uri": "b", "text": "u"}], 100, "a")[1] == {"uri": "b", "text": "u"}
    with pytest.raises(Permanent, match="the resource 'a' has"):
        contents([{"uri": "a", "text": "t" * 200}], 100, "a")


def test_the_messages_of_a_prompt():
    said = [{"role": "user", "content": TEXT}, {"role": "assistant", "content": IMAGE}]

    assert spoken(said, 1000, "p") == [
        {"role": "user", "text": "a"},
        {"role": "assistant", "text": "[image, image/png]"},
    ]
