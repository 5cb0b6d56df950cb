"""What a client needs for TLS is read from files, and what cannot be used is said."""

from __future__ import annotations

import ssl

import pytest
from pydantic import ValidationError

from octo.core.errors import Permanent
from octo.core.tls import ClientTls, reason


def test_certificates_are_checked_unless_the_author_says_otherwise():
    assert ClientTls().context().verify_mode == ssl.CERT_REQUIRED
    assert ClientTls().context().check_hostname
    assert ClientTls(insecureSkipVerify=True).context().verify_mode == ssl.CERT_NONE


@pytest.mark.parametrize("half", [{"cert": "a.pem"}, {"key": "a.key"}])
def test_a_certificate_without_its_key_is_refused(half):
    with pytest.raises(ValidationError, match="belong together"):
        ClientTls(**half)


@pytest.mark.parametrize(
    ("content", "settings"),
    [(None, {"ca": "x.pem"}), ("no certificate", {"ca": "x.pem"}), ("none", {"cert": "x.pem", "key": "x.pem"})],
)
def test_a_file_that_cannot_be_used_is_no_traceback(tmp_path, monkeypatch, content, settings):
    monkeypatch.chdir(tmp_path)
    if content is not None:
        (tmp_path / "x.pem").write_text(content)
    with pytest.raises(Permanent, match=r"`tls\.(ca|cert)`: cannot use x\.pem: .+; correct the path or the file"):
        ClientTls(**settings).context()


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ssl.SSLError(1, "wrong version number"), "TLS: wrong version number"),
        (ConnectionRefusedError(111, "Connect call failed ('127.0.0.1', 1)"), "Connection refused"),
        (OSError(), "the connection was closed"),
        (ValueError("no frame"), "no frame"),
        (EOFError(), "EOFError"),
    ],
)
def test_the_reason_is_that_of_tls_of_the_system_or_of_the_error(error, text):
    assert reason(error) == text
