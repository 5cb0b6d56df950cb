"""Names that Kubernetes takes, from what people have chosen."""

import pytest

from octo_platform.deploy.kubernetes.manifests.names import base, label, of_revision
from octo_platform.deploy.target import Refused


@pytest.mark.parametrize("slug", ["", "Orders", "a_b", "-a", "a-", "a" * 51, "a.b", "ä", "a\n"])
def test_a_slug_that_is_no_name_is_refused(desired, slug):
    with pytest.raises(Refused, match="slug"):
        base(desired(slug=slug))


def test_two_long_slugs_never_share_a_name(desired):
    """They are cut for the hash, and the hash covers the deployment."""
    assert base(desired(slug="a" * 50)) == "octo-" + "a" * 50
    assert len(of_revision(desired(slug="a" * 50), "0123456789")) == 63
    assert len(of_revision(desired(slug="a" * 50), "0123456789", 12)) <= 63


@pytest.mark.parametrize("text", ["v1", "1.2.3_rc-1", "", "x" * 63])
def test_a_text_that_can_be_a_label_is_one(text):
    assert text == label(text)


@pytest.mark.parametrize("text", ["x" * 64, "a b", ".", "-", "ümläut", "a/b", "a-", "\0"])
def test_any_other_text_has_a_label_of_its_own(text):
    assert text != label(text)
    assert label(text) != label(text + " ")
    assert len(label(text)) <= 63
