"""What a provider finds is read with care: anybody may have written it."""

from __future__ import annotations

from hypothesis import given, strategies as st

from octo.vendors.searching import Found, found


def test_results_are_read_by_their_names():
    results = [{"title": "T", "url": "https://a.test/x", "content": "text", "score": 0.5}, {"url": "http://b.test"}]

    assert found(results, "content") == [
        Found("T", "https://a.test/x", "text", 0.5),
        Found("", "http://b.test", "", None),
    ]


def test_what_is_no_page_of_the_web_is_left_out():
    urls = [
        "javascript:alert(1)",
        "file:///etc/passwd",
        "//a.test",
        "",
        None,
        7,
        "https://a b",
        "https://a\n",
        "http://",
    ]
    urls += ["https://a.test/" + "x" * 3000]

    assert found([{"url": url} for url in urls[:8]] + [1, None, {"url": urls[9]}], "content") == []


def test_a_page_is_bounded():
    told = Found("t" * 1000, "https://a.test", "x" * 1000, 1.0).within(10)

    assert told == {"title": "t" * 300, "url": "https://a.test", "text": "x" * 10, "score": 1.0}
    assert Found("t", "https://a.test", "x").within(10) == {"title": "t", "url": "https://a.test", "text": "x"}


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("https://a.test"),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["title", "url", "content", "score"]), inner),
)


@given(json)
def test_whatever_comes_is_read(given_):
    assert all(isinstance(each, Found) for each in found(given_, "content"))
