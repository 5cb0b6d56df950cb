"""Patterns of times: every letter in both directions, and slips that would give a wrong time are refused."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from octo.expr import ExprError
from octo.expr.patterns import Local, Pattern, pattern

AT = datetime(2024, 2, 29, 13, 5, 9, tzinfo=timezone(timedelta(hours=-3, minutes=-30)))


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("yyyy-MM-dd'T'HH:mm:ss.SSSXXX", "2024-02-29T13:05:09.012-03:30"),
        ("yy/M/d H:m:s", "24/2/29 13:5:9"),
        ("EEE, d MMM yyyy", "Thu, 29 Feb 2024"),
        ("EEEE, d MMMM y", "Thursday, 29 February 2024"),
        ("h:mm a", "1:05 PM"),
        ("hh 'o''clock' a", "01 o'clock PM"),
        ("yyyyDDD", "2024060"),
        ("YYYY-'W'ww-e", "2024-W09-4"),
        ("Q'. quarter' yyyy", "1. quarter 2024"),
        ("ss.S", "09.0"),
        ("ss.SSSSSSSSS", "09.012345678"),
        ("HH X", "13 -0330"),
        ("HH XX", "13 -0330"),
        ("HH x", "13 -0330"),
        ("yyyy''", "2024'"),
        ("yyyy年MM月", "2024年02月"),
    ],
)
def test_a_time_is_written(text, written):
    assert Pattern(text).write(Local(AT, 12_345_678)) == written


def test_utc_is_z_for_capital_letters():
    local = Local(AT.astimezone(UTC), 0)

    assert [Pattern(f"HH{letters}").write(local)[2:] for letters in ("X", "XX", "XXX")] == ["Z", "Z", "Z"]
    assert [Pattern(f"HH{letters}").write(local)[2:] for letters in ("x", "xx", "xxx")] == ["+00", "+0000", "+00:00"]


@pytest.mark.parametrize(
    ("text", "said", "read"),
    [
        ("yyyy-MM-dd", "2024-02-29", (2024, 2, 29)),
        ("yyyyMMddHHmmss", "20240229130509", (2024, 2, 29, 13, 5, 9)),
        ("d.M.yy", "1.2.24", (2024, 2, 1)),
        ("yyyy-MM", "2024-02", (2024, 2, 1)),
        ("yyyy", "2024", (2024, 1, 1)),
        ("d MMM yyyy", "29 fEB 2024", (2024, 2, 29)),
        ("EEEE, MMMM d, yyyy", "Thursday, February 29, 2024", (2024, 2, 29)),
        ("yyyy-DDD", "2024-366", (2024, 12, 31)),
        ("YYYY-'W'ww", "2025-W01", (2024, 12, 30)),
        ("YYYY-'W'ww-e", "2025-W01-7", (2025, 1, 5)),
        ("yyyy-MM-dd h a", "2024-02-29 12 am", (2024, 2, 29, 0)),
        ("yyyy-MM-dd h a", "2024-02-29 12 PM", (2024, 2, 29, 12)),
        ("yyyy-MM-dd h a", "2024-02-29 1 PM", (2024, 2, 29, 13)),
    ],
)
def test_a_time_is_read(text, said, read):
    assert Pattern(text).read(said) == (datetime(*read), 0, None)  # noqa: DTZ001


@pytest.mark.parametrize(
    ("letters", "said", "offset"),
    [
        *(("XXX", "Z", 0), ("XXX", "+02:00", 7200), ("XX", "-0330", -12600), ("X", "+02", 7200), ("X", "+0230", 9000)),
        *(("xxx", "+00:00", 0), ("xx", "+0200", 7200), ("x", "-01", -3600)),
    ],
)
def test_an_offset_is_read(letters, said, offset):
    assert Pattern(f"yyyy {letters}").read(f"2024 {said}").offset == offset


def test_a_fraction_has_the_digits_of_the_pattern():
    assert Pattern("yyyy.SSS").read("2024.012").nanos == 12_000_000
    with pytest.raises(ExprError):
        Pattern("yyyy.SSS").read("2024.01")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        *(("yyyy-MM-dd", said) for said in ("", "2024-2-29", "2024-02-30", "2024-13-01", "2024-02-29 ", "0000-01-01")),
        *(("yyyy-MM-dd", said) for said in ("٢٠٢٤-02-29", "24-02-29", "2024-02-29" * 100)),
        *(("yyyy HH", "2024 24"), ("yyyy HH:mm", "2024 23:60"), ("yyyy h a", "2024 0 AM"), ("yyyy h a", "2024 13 AM")),
        *(("yyyy-DDD", "2023-366"), ("yyyy-DDD", "2023-000"), ("YYYY-ww", "2024-53"), ("yyyy XXX", "2024 +25:00")),
        *(("EEE yyyy-MM-dd", "Mon 2024-02-29"), ("yyyy-DDD dd", "2024-060 05"), ("yyyy-DDD MM", "2024-060 12")),
        *(("YYYY-'W'ww-dd", "2024-W05-30"), ("YYYY-'W'ww MM", "2024-W05 12")),
        ("yyyy XXX", "2024 +0200"),
    ],
)
def test_what_is_no_such_time_is_refused(text, said):
    with pytest.raises(ExprError) as caught:
        Pattern(text).read(said)
    assert caught.value.code == "OCTO-E206"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("yyyy-mm-dd", "'mm' is the minute. Write MM for the month"),
        ("yyyy-MM-dd HH:MM", "the month is there twice. MM is the month, mm the minute"),
        ("YYYY-MM-dd", "'YYYY' is not known. Write yyyy; YYYY is the year of an ISO week and goes with ww"),
        ("yyyy-MM-DD", "'DD' is not known. Write dd for the day of the month, DDD for the day of the year"),
        ("yyyy-MM-dd hh:mm", "'hh' and 'a' go together. Write HH for the hours from 00 to 23"),
        ("HH a", "'hh' and 'a' go together"),
        ("yyyy-ww", "'ww' goes with YYYY"),
        ("yyyy-MM-ddTHH:mm", "'T' is not known. Write 'T' in quotes"),
        ("HH:mm:ssZ", "'Z' is not known. Write XXX for an offset"),
        ("HH:mm z", "'z' is not known. Write XXX for an offset"),
        ("%Y-%m-%d", "% is not used. Letters are those of Java"),
        ("2006-01-02", "it has no letters. Letters are those of Java"),
        ("", "it has no letters"),
        ("yyyy 'at", "a quote does not end"),
        ("yyyyy", "'yyyyy' is not known. Write yyyy or yy"),
        ("day", "'hh' and 'a' go together"),
        ("yyyy-mm", "'mm' is the minute. Write MM for the month"),
        ("yyyy-MM-dd mm:ss", "'mm' is the minute. Write HH:mm"),
        ("HH:MM", "'MM' is the month. Write mm for the minute"),
        ("dd. hh:MM a", "'MM' is the month. Write mm for the minute"),
        ("MM:ss", "'ss' is the second. Write mm for the minute"),
        ("HH:ss", "'ss' is the second. Write mm for the minute"),
        ("HH:mm:SS", "'S' is the fraction of a second. Write ss for the second"),
    ],
)
def test_a_slip_is_refused_with_what_was_meant(text, message):
    with pytest.raises(ExprError) as caught:
        pattern(text)
    assert caught.value.code == "OCTO-E209"
    assert f"{text!r} is no pattern of a time: {message}" in str(caught.value)


@pytest.mark.parametrize(
    "text", ["mm:ss", "HH", "MM/yyyy", "HH:mm, dd.MM.", "d.M. HH'h'", "ss.SSS", "SSS", "yyyy MM DDD", "h a"]
)
def test_a_part_of_a_time_is_no_slip(text):
    assert pattern(text).text == text


@pytest.mark.parametrize("text", ["HH:mm", "dd.MM.", "Q yyyy"])
def test_a_pattern_to_read_by_has_a_year(text):
    with pytest.raises(ExprError, match="a pattern to read by has yyyy and no Q"):
        Pattern(text).read("x")
