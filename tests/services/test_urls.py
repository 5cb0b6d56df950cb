"""What is wrong with a URL is said without its password, which may stand anywhere if the URL is wrong."""

from __future__ import annotations

import pytest

from octo.core.errors import Permanent
from octo.services import codes
from octo.services.urls import Url, check_names, number, split

EXAMPLE = "`db://user:password@host/name`"


def test_the_parts_are_as_they_were_written():
    assert split("db://o%40:p%2F@a%2Cb:1/x%20y?size=3&empty=", EXAMPLE) == Url(
        "db", "o%40:p%2F", "a%2Cb:1", "/x%20y", {"size": "3", "empty": ""}
    )


@pytest.mark.parametrize(
    "url",
    [
        "db:octo:hunter2@host",
        "db://octo:hunter2@2@host/name",
        "db://octo:hunter2/2@host/name",
        "db://octo:1#hunter2@host/name",
        "db://octo:1?hunter2@host/name",
        "db://octo:1[hunter2@host/name",
    ],
)
def test_a_character_that_means_something_else_is_refused(url):
    with pytest.raises(Permanent) as caught:
        split(url, EXAMPLE)

    assert caught.value.code == codes.PLACE
    assert f"this is no URL; write {EXAMPLE}, and in names and passwords `@` as %40" in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(("query", "found"), [("", 8), ("?size=", 8), ("?size=1", 1), ("?size=20", 20)])
def test_a_number_has_a_default(query, found):
    assert number(split(f"db://host/{query}", EXAMPLE), "size", 8, 1, 20) == found


@pytest.mark.parametrize("text", ["0", "21", "-1", "1.5", "many", "9" * 400])
def test_a_number_has_limits(text):
    with pytest.raises(Permanent, match="`size` must be 1 to 20, and is '") as caught:
        number(split(f"db://host/?size={text}", EXAMPLE), "size", 8, 1, 20)
    assert len(str(caught.value)) < 100


def test_a_parameter_that_nobody_knows_is_refused():
    url = split("db://host/?size=1&sise=2", EXAMPLE)
    with pytest.raises(Permanent, match="'sise' is no parameter of Data; known: size, name"):
        check_names(url, ("size", "name"), "Data")
    check_names(url, ("size", "sise"), "Data")
