"""Settings of vendors refuse what cannot be a key or an address."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from octo.core.settings import Settings
from octo.vendors.settings import Address, Key


class Acme(Settings):
    url: Address = "https://acme.test"
    api_key: Key


@pytest.mark.parametrize("key", ["", "  ", "a\nb", "clé"])
def test_a_key_that_is_none_is_refused_without_being_shown(key):
    with pytest.raises(ValidationError) as caught:
        Acme.model_validate({"apiKey": key})
    assert not key.strip() or key not in str(caught.value)


@pytest.mark.parametrize("url", ["acme.test", "ftp://acme.test", "https://", "https://u:p@acme.test", "https://a/?k=1"])
def test_an_address_that_is_none_is_refused(url):
    with pytest.raises(ValidationError):
        Acme.model_validate({"apiKey": "k", "url": url})


def test_an_address_may_end_with_a_slash():
    assert Acme.model_validate({"apiKey": "k", "url": "https://acme.test/v1/"}).url == "https://acme.test/v1"
