"""Requests to models and their replies on a cassette."""

from __future__ import annotations

from hypothesis import given, strategies as st

from octo.ai.conversation import Ask, Assistant, Attachment, Reply, Results, Tool, ToolCall, ToolResult, Usage, User
from octo.ai.script.form import RecordedAsk, RecordedReply
from octo.ai.script.tape import asked, replied, written
from octo.suite.yaml import dump

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=20)
ARGUMENTS = st.dictionaries(TEXT, st.none() | st.booleans() | st.integers(-9, 9) | TEXT, max_size=3)
CALLS = st.lists(
    st.builds(ToolCall, TEXT, TEXT, ARGUMENTS, st.just(""))
    | st.builds(lambda id_, tool, raw: ToolCall(id_, tool, None, raw), TEXT, TEXT, TEXT),
    max_size=3,
)


@given(TEXT, CALLS, st.sampled_from(["end_turn", "refusal", "max_tokens"]), TEXT)
def test_a_reply_comes_back_as_it_was(text, calls, stop, thinking):
    reply = Reply(text, tuple(calls), stop, Usage(3, 4, 1), "m", thinking, {"signed": "x"})

    plain = written(reply)

    RecordedReply.model_validate(plain)
    assert replied(plain) == reply


def test_what_is_new_each_time_is_not_a_part_of_a_request():
    """Ids of calls, and the provider's form of a reply."""

    def request(id_):
        turns = (
            User("hello"),
            Assistant("", (ToolCall(id_, "lookup", {"a": 1}),), {"signature": id_}),
            Results((ToolResult(id_, "lookup", "1"),)),
        )
        return asked(Ask("s", turns, (Tool("lookup", "d", {"type": "object"}),), only="lookup", max_tokens=3), "m")

    assert request("toolu_1") == request("toolu_2")
    RecordedAsk.model_validate(request("toolu_1"))
    assert (
        dump(request("toolu_1"))
        == """\
model: m
system: s
messages:
  - role: user
    text: hello
  - role: assistant
    text: ''
    calls:
      - id: 1
        tool: lookup
        input:
          a: 1
  - role: tool
    results:
      - id: 1
        tool: lookup
        content: '1'
tools:
  - name: lookup
    description: d
    input:
      type: object
only: lookup
maxTokens: 3
"""
    )


def test_large_files_are_known_by_a_digest():
    def data(size):
        turns = (User("see", (Attachment("image/png", b"x" * size, "a.png"),)),)
        return asked(Ask("", turns), "m")["messages"][0]["attachments"][0]["data"]

    assert data(3) == "eHh4"
    assert data(3000).startswith("sha256:")
