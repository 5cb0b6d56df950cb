"""Base64 and hexadecimal text in their own alphabets, and nothing else."""

import pytest


@pytest.mark.parametrize("text", ["YW$Jj", "YW Jj", "YW\nJj", "YWJj\n", " YWJj", "-_-_", "YW=Jj", "\u00e9"])
def test_what_is_no_base64_is_refused(failure, text):
    """Python would skip what it does not know."""
    error = failure("base64.decode(body)", text)

    assert error.code == "OCTO-E206"
    assert error.message.startswith("not base64: ")


@pytest.mark.parametrize("text", ["+/8=", "-_8==", "-_8=-", "-_ 8", "-_8\n", "a", "\u00e9"])
def test_what_is_no_base64url_is_refused(failure, text):
    error = failure("base64url.decode(body)", text)

    assert error.code == "OCTO-E206"
    assert error.message.startswith("not base64url: ")


@pytest.mark.parametrize("data", [b"", b"\xfb", b"\xfb\xff", b"\xfb\xff\xfe", bytes(range(256))])
def test_base64url_comes_back(evaluate, data):
    assert evaluate("base64url.decode(base64url.encode(body)) == body", data) is True
    assert evaluate("base64url.decode(base64url.encode(body, true)) == body", data) is True
    assert evaluate("base64url.encode(body, true).size() % 4 == 0", data) is True


@pytest.mark.parametrize(("text", "data"), [("", b""), ("00fF", b"\x00\xff")])
def test_hexadecimal_text_is_bytes(evaluate, text, data):
    assert evaluate("hexDecode(body)", text) == data


@pytest.mark.parametrize("text", ["0", "0x00", "00 ff", "00\n", "zz", "\u0660\u0660"])
def test_what_is_not_hexadecimal_is_refused(failure, text):
    assert failure("hexDecode(body)", text).code == "OCTO-E206"
