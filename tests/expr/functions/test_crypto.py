"""Hashes of texts and bytes; a wrong key or changed data is an expression error, not a bug."""

import hashlib

import pytest

KEY = '"0123456789abcdef0123456789abcdef"'


@pytest.mark.parametrize("size", [0, 16, 24, 31, 33])
def test_a_chacha_key_has_32_bytes(failure, size):
    for text in ('toChacha("a", body)', "fromChacha(b'0123456789abcdef', body)"):
        error = failure(text, "k" * size)
        assert (error.code, error.message) == (
            "OCTO-E209",
            f"the key for ChaCha20 has {size} bytes, it needs 32",
        )


@pytest.mark.parametrize("size", [0, 15, 17, 33])
def test_an_aes_key_has_16_24_or_32_bytes(failure, size):
    assert f"has {size} bytes, it needs 16, 24, 32" in failure('toAes("a", body)', "k" * size).message


@pytest.mark.parametrize("name", ["Aes", "Chacha"])
@pytest.mark.parametrize("size", [0, 7, 8, 12, 20, 28])
def test_data_that_nobody_sealed_is_an_expression_error(failure, name, size):
    """Data that is too short to have been sealed is one, too."""
    error = failure(f"from{name}(body, {KEY})", b"x" * size)

    assert error.code == "OCTO-E206"
    assert "wrong key or changed data" in error.message


@pytest.mark.parametrize("name", ["Aes", "Chacha"])
def test_another_key_opens_nothing(failure, name):
    assert "wrong key" in failure(f'from{name}(to{name}("a", {KEY}), "{"k" * 32}")').message


@pytest.mark.parametrize("name", ["Aes", "Chacha"])
def test_the_same_text_is_never_sealed_the_same_way_twice(evaluate, name):
    assert evaluate(f'to{name}("a", {KEY}) != to{name}("a", {KEY})') is True


@pytest.mark.parametrize("name", ["sha256", "sha512", "sha1", "md5"])
@pytest.mark.parametrize("data", ["", "\u00fc", b"", b"\xff" * 1000])
def test_a_hash_is_that_of_the_bytes(evaluate, name, data):
    data_bytes = data.encode() if isinstance(data, str) else data

    assert evaluate(f"{name}(body)", data) == hashlib.new(name, data_bytes).digest()


@pytest.mark.parametrize("value", [1, None, [], {"a": 1}, True])
def test_only_texts_and_bytes_have_hashes(failure, value):
    """A number or a map has several forms as text, so it must be chosen: toJson(...) or string(...)."""
    error = failure("sha256(body)", value)

    assert (error.code, error.message) == ("OCTO-E209", "sha256 takes strings and bytes")
