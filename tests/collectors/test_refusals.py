"""What a run notes of refusals, and when it gives a host up; amounts in words."""

from __future__ import annotations

import pytest

from collectors.base import GivenUp, Outcome
from collectors.refusals import Patience
from collectors.wording import amount, amounts

MONTHS = ("month", "months")


def test_three_refusals_in_a_row_give_the_host_up_and_all_are_noted():
    outcome = Outcome("events")
    patience = Patience(outcome, "ClickHouse")
    patience.refused("a", "a: status 500")
    patience.refused("b", "b: status 500")
    with pytest.raises(GivenUp, match=r"^ClickHouse gave no usable answer 3 times in a row$"):
        patience.refused("c", "c: status 404")
    assert (outcome.refused, outcome.failed) == (["a", "b", "c"], ["a: status 500", "b: status 500", "c: status 404"])


def test_an_answer_in_between_begins_the_count_anew():
    outcome = Outcome("surveys")
    patience = Patience(outcome, "the archive", "file")
    for label in "abcd":
        patience.refused(label, f"{label}: is a web page")
        if label == "b":
            patience.answered()
    with pytest.raises(GivenUp, match=r"^the archive gave no usable file 3 times in a row$"):
        patience.refused("e", "e: is a web page")
    assert outcome.refused == ["a", "b", "c", "d", "e"]


def test_a_refusal_that_shows_the_host_well_is_noted_and_begins_the_count_anew():
    outcome = Outcome("releases")
    patience = Patience(outcome, "GitHub")
    for number in range(9):
        patience.refused(str(number), f"{number}: 404", host_is_well=number % 3 == 2)
    assert len(outcome.refused) == len(outcome.failed) == 9


def test_one_is_told_in_the_singular_and_thousands_with_a_comma():
    assert [amount(number, MONTHS) for number in (0, 1, 2, 1_898)] == [
        "0 months",
        "1 month",
        "2 months",
        "1,898 months",
    ]


def test_what_there_is_none_of_is_left_out():
    years = ("year", "years")
    assert amounts((1, years), (0, MONTHS), (2, MONTHS)) == "1 year and 2 months"
    assert amounts((3, years), about="about ") == "about 3 years"
    assert amounts((0, years), (0, MONTHS)) == ""
