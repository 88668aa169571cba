"""Single values of answers: what each may be, and what is said of anything else."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from warehouse.parse import Rejected, fields


def reason(read, *value):
    with pytest.raises(Rejected) as told:
        read(*value)
    return str(told.value)


def test_counts_as_promised():
    assert [fields.count(value, "stars") for value in (0, 2**63 - 1)] == [0, 2**63 - 1]
    assert [fields.wide_count(value, "stars") for value in (7, "7", "0", str(2**63 - 1))] == [7, 7, 0, 2**63 - 1]
    assert fields.digits("0049142") == 49_142


@pytest.mark.parametrize("value", [-1, 2**63, True, 1.0, None, "7", []])
def test_what_is_no_count_is_told(value):
    assert reason(fields.count, value, "stars") == f"stars {value!r} is not a count"


@pytest.mark.parametrize("text", ["", "-7", "7.0", " 7", "٤٩", str(2**63), "9" * 5_000])
def test_what_no_digits_tell_is_no_count(text):
    assert fields.digits(text) is None
    assert reason(fields.wide_count, text, "stars") == f"stars {text!r} is not a count"


def test_a_day_and_a_month():
    assert fields.day("2018-12-18") == date(2018, 12, 18)
    assert fields.month("2018-12") == date(2018, 12, 1)


@pytest.mark.parametrize("value", ["20181218", "2018-W51-2", "2018-02-30", "soon", None, 7])
def test_what_is_no_day_is_told(value):
    assert reason(fields.day, value) == f"day {value!r} is not a day"
    assert reason(fields.day, value, "like 2018-12-18") == f"day {value!r} is not like 2018-12-18"


@pytest.mark.parametrize("value", ["2020-13", "2020-6", "2020-06-01", "", None])
def test_what_is_no_month_is_told(value):
    assert reason(fields.month, value) == f"month {value!r} is not like 2020-06"


def test_an_instant_becomes_utc_without_zone():
    assert fields.instant("2018-06-13T01:22:26+02:00", "read") == datetime(2018, 6, 12, 23, 22, 26)
    assert reason(fields.instant, "2018-06-13T01:22:26", "read") == "read '2018-06-13T01:22:26' is not an instant"
    assert reason(fields.instant, None, "read") == "read None is not an instant"


def test_a_flag_is_true_or_false():
    assert (fields.flag(True, "draft"), fields.flag(False, "draft")) == (True, False)
    assert reason(fields.flag, 1, "draft") == "draft 1 is not true or false"


def test_a_sources_words_are_cut_and_what_is_no_text_is_left_out():
    assert fields.message({"message": "x" * 300}, "message") == ": " + "x" * 200
    assert [fields.message(content, "message") for content in ({}, {"message": 7}, ["message"], None)] == [""] * 4
