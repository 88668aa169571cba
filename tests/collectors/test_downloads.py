"""The downloads collector against the world's pypistats.org, ClickHouse and conda."""

from __future__ import annotations

import json
from datetime import date, timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from collectors.bulk import InputFile
from collectors.condafile import NotConda, monthly
from tests.collectors.conftest import NOW
from warehouse.raw import Archive

TODAY = NOW.date()
# A framework that dlpulse never heard of, with one package in each index.
NEWCOMER = """
[[framework]]
id = "newcomer"
name = "Newcomer"
colour = "#123456"
first_released_on = 2026-05-20
status = "active"
pypi = ["New_Comer"]
conda = ["newcomer"]
"""


@pytest.fixture
def counts(rows):
    """The newest count of each day or month by provider and package, as the archive tells."""

    def read(provider, package="chainer"):
        found = [row for row in rows("package_downloads") if (row["provider"], row["package"]) == (provider, package)]
        return {row["day"]: row["downloads"] for row in found}

    return read


@pytest.fixture
def newcomer(settings, world):
    """The newcomer stands in the user's registry and in the world's indexes."""
    (settings.home / "frameworks.toml").write_text(NEWCOMER, "utf-8")
    world.pypistats.packages.first["new-comer"] = date(2026, 5, 20)
    world.conda.packages["newcomer"] = date(2026, 5, 20)


def clickhouse_truth(world, package="chainer", first=date(2016, 1, 1)):
    until = TODAY - timedelta(days=180)
    return {day: downloads for _, day, downloads in world.clickhouse.downloads([package], first, until)}


def months(first, last):
    """The first days of the months from `first` to `last`."""
    count = (last.year - first.year) * 12 + last.month - first.month + 1
    return [date(first.year + (first.month - 1 + n) // 12, (first.month - 1 + n) % 12 + 1, 1) for n in range(count)]


NEWEST_MONTHS = months(date(2025, 9, 1), date(2026, 8, 1))


def test_the_newest_180_days_come_from_pypistats(world, gather, counts):
    outcome = gather("downloads")
    assert outcome.failed == []
    assert counts("pypistats") == world.pypistats.truth("chainer")
    assert (len(counts("pypistats")), max(counts("pypistats"))) == (180, date(2026, 9, 10))


def test_every_day_before_comes_from_clickhouse(world, gather, counts):
    gather("downloads")
    assert counts("clickhouse") == clickhouse_truth(world)
    assert max(counts("clickhouse")) + timedelta(days=1) == min(counts("pypistats"))


def test_twelve_newest_months_come_from_conda_and_the_older_ones_later(world, gather, counts):
    outcome = gather("downloads")
    assert counts("conda") == {month: world.conda.truth(month)["chainer"] for month in NEWEST_MONTHS}
    assert outcome.left == "101 months (conda)"
    outcome = gather("downloads")
    assert (outcome.requests, outcome.left) == (12, "89 months (conda)")
    assert min(counts("conda")) == date(2024, 9, 1)


def test_channels_of_conda_are_kept_apart_in_the_archive(gather, settings, world):
    gather("downloads")
    notes = [answer for answer in Archive(settings.raw).responses("downloads") if answer.params.get("kind") == "conda"]
    newest = next(note for note in notes if note.params["month"] == "2026-08")
    assert sorted(newest.json()["chainer"]) == ["anaconda", "conda-forge"]
    assert sum(newest.json()["chainer"].values()) == world.conda.truth(date(2026, 8, 1))["chainer"]
    assert (newest.params["file"], newest.params["packages"], newest.params["last"]) == (
        "2026-08.parquet",
        ["chainer"],
        True,
    )
    assert (len(newest.params["sha256"]), newest.status) == (64, None)


def test_no_file_of_conda_stays_on_disk(gather, settings):
    gather("downloads")
    assert list((settings.home / "downloads").iterdir()) == []


def test_mirrors_are_told_apart(gather, rows):
    gather("downloads")
    told = {(row["provider"], row["granularity"], row["mirrors"]) for row in rows("package_downloads")}
    assert told == {("pypistats", "day", False), ("clickhouse", "day", True), ("conda", "month", None)}


def test_a_second_run_asks_nothing_that_is_settled(world, gather, counts):
    gather("downloads", since=date(2026, 1, 1))
    before, asked = counts("clickhouse"), len(world.requests)
    outcome = gather("downloads", since=date(2026, 1, 1))
    assert (outcome.requests, outcome.new, outcome.left, len(world.requests)) == (0, 0, "", asked)
    assert counts("clickhouse") == before


def test_a_day_later_only_pypistats_is_asked_and_has_one_new_day(world, gather, counts):
    gather("downloads", since=date(2026, 1, 1))
    later = NOW + timedelta(days=1)
    world.at(later)
    outcome = gather("downloads", since=date(2026, 1, 1), clock=lambda: later)
    assert (outcome.requests, outcome.new) == (1, 1)
    assert max(counts("pypistats")) == date(2026, 9, 11)


def test_the_year_that_goes_on_is_asked_again_after_a_month(world, gather, counts):
    gather("downloads", since=date(2026, 1, 1))
    asked = world.asked("/clickhouse")
    for days, more in ((30, 0), (31, 1)):
        later = NOW + timedelta(days=days)
        world.at(later)
        gather("downloads", since=date(2026, 1, 1), clock=lambda later=later: later)
        assert world.asked("/clickhouse") == asked + more
    assert max(counts("clickhouse")) == TODAY + timedelta(days=31 - 181)


def test_a_year_that_ended_is_read_to_its_end(world, gather, counts):
    """Asked when only its last days lacked, fewer than would have it asked again while it goes on."""
    shortly = date(2026, 12, 20) + timedelta(days=180)
    for day in (shortly, shortly + timedelta(days=15)):
        moment = NOW.replace(year=day.year, month=day.month, day=day.day)
        world.at(moment)
        gather("downloads", since=date(2026, 1, 1), clock=lambda moment=moment: moment)
    assert date(2026, 12, 31) in counts("clickhouse")


def test_a_framework_never_heard_of_gets_its_own_packages_only(newcomer, world, gather, counts):
    world.clickhouse.packages.first["new-comer"] = date(2026, 1, 5)
    gather("downloads", ["chainer"])
    asked = len(world.requests)
    outcome = gather("downloads", ["newcomer"])
    assert (outcome.failed, outcome.left) == ([], "")
    assert len(world.requests) - asked == outcome.requests == 6  # one, one year, four months
    assert counts("pypistats", "New_Comer") == world.pypistats.truth("new-comer")
    assert counts("clickhouse", "New_Comer") == clickhouse_truth(world, "new-comer")
    assert counts("conda", "newcomer") == {
        month: world.conda.truth(month)["newcomer"] for month in months(date(2026, 5, 1), date(2026, 8, 1))
    }


def test_a_package_added_later_has_the_months_read_again_for_it_alone(newcomer, gather, settings, counts):
    gather("downloads", ["chainer"])
    gather("downloads", ["chainer", "newcomer"])
    reduced = [
        (answer.params["month"], answer.params["packages"])
        for answer in Archive(settings.raw).responses("downloads")
        if answer.params.get("month", "") >= "2026-04"
    ]
    assert ("2026-08", ["newcomer"]) in reduced
    assert ("2026-04", ["newcomer"]) not in reduced
    assert len([month for month, _ in reduced if month == "2026-08"]) == 2
    assert len(counts("conda")) == 12 + 8


def test_a_package_unknown_to_pypistats_is_told_once_and_rests_for_thirty_days(world, gather, settings):
    (settings.home / "frameworks.toml").write_text(NEWCOMER, "utf-8")
    first = gather("downloads", ["newcomer"])
    again = gather("downloads", ["newcomer"])
    later = NOW + timedelta(days=31)
    world.at(later)
    third = gather("downloads", ["newcomer"], clock=lambda: later)
    line = "New_Comer: pypistats.org knows no such package"
    assert (first.failed, first.noticed) == ([], [line])
    assert (again.failed, again.noticed) == ([], [])
    assert (third.failed, third.noticed) == ([], [])
    assert world.asked("/pypistats") == 2


def test_since_and_until_choose_days_years_and_months(world, gather, counts):
    outcome = gather("downloads", since=date(2019, 3, 5), until=date(2019, 4, 2))
    assert (outcome.failed, outcome.left) == ([], "")
    assert counts("pypistats") == {}
    assert sorted(counts("conda")) == [date(2019, 3, 1), date(2019, 4, 1)]
    assert {day.year for day in counts("clickhouse")} == {2019}


@pytest.mark.parametrize("strings", [True, False])
def test_counts_of_clickhouse_come_as_texts_or_numbers(world, gather, counts, strings):
    world.clickhouse.integers_as_strings = strings
    gather("downloads", since=date(2018, 1, 1), until=date(2018, 12, 31))
    assert counts("clickhouse")[date(2018, 7, 1)] == clickhouse_truth(world)[date(2018, 7, 1)]


@pytest.mark.parametrize("kind", ["exception", "wrong-total", "truncated", "html", "empty", "invalid-utf8"])
def test_a_spoiled_year_of_clickhouse_gives_no_fact_and_is_asked_again(world, gather, counts, kind):
    world.fault(kind, "/clickhouse.*2019-01-01")
    first = gather("downloads", since=date(2018, 1, 1), until=date(2020, 12, 31))
    assert [line.split(":")[0] for line in first.failed] == ["chainer 2019 (ClickHouse)"]
    assert {day.year for day in counts("clickhouse")} == {2018, 2020}
    assert "1 year of a package (ClickHouse)" in first.left
    second = gather("downloads", since=date(2018, 1, 1), until=date(2020, 12, 31))
    assert second.failed == []
    assert {day: n for day, n in clickhouse_truth(world).items() if 2018 <= day.year <= 2020} == counts("clickhouse")


@pytest.mark.parametrize("kind", ["truncated", "html", "empty", "invalid-utf8", "500", "401", "broken-off", "huge"])
def test_a_spoiled_answer_of_pypistats_gives_no_fact_and_stops_nothing_else(world, gather, counts, kind):
    world.fault(kind, "/pypistats", count=3 if kind == "500" else 1)
    outcome = gather("downloads", since=date(2026, 8, 1))
    assert [line.split(":")[0] for line in outcome.failed] == ["chainer (pypistats.org)"]
    assert (counts("pypistats"), sorted(counts("conda"))) == ({}, [date(2026, 8, 1)])
    gather("downloads", since=date(2026, 8, 1))
    assert len(counts("pypistats")) == 180


@pytest.mark.parametrize("kind", ["truncated", "html", "empty", "invalid-utf8", "401", "broken-off"])
def test_a_spoiled_file_of_conda_gives_no_fact_and_is_read_again(world, gather, counts, archived, kind):
    world.fault(kind, "2026-07.parquet")
    outcome = gather("downloads", since=date(2026, 6, 1))
    assert [line.split(":")[0] for line in outcome.failed] == ["2026-07 (conda)"]
    assert sorted(counts("conda")) == [date(2026, 6, 1), date(2026, 8, 1)]
    assert outcome.left == "1 month (conda)"
    gather("downloads", since=date(2026, 6, 1))
    assert counts("conda")[date(2026, 7, 1)] == world.conda.truth(date(2026, 7, 1))["chainer"]


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([], "0 of its 0 rows are no counts of 2026-07"),
        ([("keras", "2026-06", 5)], "1 of its 1 rows are no counts of 2026-07"),
        ([("keras", "2026-07", 5), ("keras", "2026-07", None)], "1 of its 2 rows are no counts of 2026-07"),
        ([("keras", "2026-07", -5)], "1 of its 1 rows are no counts of 2026-07"),
    ],
)
def test_a_file_that_is_not_of_its_month_is_refused(tmp_path, rows, reason):
    names, times, counts = ([row[n] for row in rows] for n in range(3))
    columns = {
        "data_source": pa.array(["anaconda"] * len(rows), pa.string()),
        "time": pa.array(times, pa.string()),
        "pkg_name": pa.array(names, pa.string()),
        "counts": pa.array(counts, pa.int64()),
    }
    pq.write_table(pa.table(columns), tmp_path / "file")
    with pytest.raises(NotConda) as told_why:
        monthly(InputFile.of(tmp_path / "file"), "2026-07", ["keras"])
    assert str(told_why.value) == reason


def test_a_month_that_conda_has_not_published_is_noticed_and_rests_for_a_week(world, gather):
    world.fault("403", "2026-08.parquet")
    first = gather("downloads", since=date(2026, 7, 1))
    assert (first.failed, first.left) == ([], "")
    assert [line.split(": ")[:2] for line in first.noticed] == [["2026-08 (conda)", "not published yet"]]
    assert gather("downloads", since=date(2026, 7, 1)).requests == 0
    later = NOW + timedelta(days=8)
    world.at(later)
    gather("downloads", since=date(2026, 7, 1), clock=lambda: later)
    assert world.asked("2026-08.parquet") == 2


def test_an_old_month_that_conda_refuses_is_a_failure(world, gather):
    world.fault("403", "2019-03.parquet")
    outcome = gather("downloads", since=date(2019, 3, 1), until=date(2019, 3, 31))
    assert [line.split(": ")[0] for line in outcome.failed] == ["2019-03 (conda)"]


@pytest.mark.parametrize("kind", ["html", "503"])
def test_three_refusals_in_a_row_end_one_host_and_no_other(world, gather, counts, kind):
    world.fault(kind, "/clickhouse", count=-1)
    outcome = gather("downloads")
    assert world.asked("/clickhouse") == (3 if kind == "html" else 9)  # a 503 is asked again
    assert outcome.failed[-1] == "ClickHouse gave no usable answer 3 times in a row"
    assert (len(counts("pypistats")), len(counts("conda"))) == (180, 12)
    assert outcome.left == "11 years of packages (ClickHouse) and 101 months (conda)"


def test_after_a_break_only_what_is_missing_is_asked(world, gather, counts):
    """As after a kill: what was archived before stays, and is not asked again."""
    world.fault("reset", "/clickhouse.*2020-01-01", count=-1)
    gather("downloads", since=date(2019, 1, 1), until=date(2022, 12, 31))
    world.faults.clear()
    asked = len(world.requests)
    gather("downloads", since=date(2019, 1, 1), until=date(2022, 12, 31))
    again = [target for target in world.requests[asked:] if "/clickhouse" in target]
    assert ["2020-01-01" in again[0], "2019-01-01" in again[1], len(again)] == [True, True, 2]
    assert {day.year for day in counts("clickhouse")} == {2019, 2020, 2021, 2022}


def test_a_password_in_clickhouses_address_is_sent_and_not_archived(gather, settings, world, archived):
    gather("downloads", since=date(2020, 1, 1), until=date(2020, 12, 31),
           clickhouse_url=f"{world.clickhouse_url}&password=s3cret")  # fmt: skip
    assert world.asked("password=s3cret") == 1
    assert b"s3cret" not in b"".join(path.read_bytes() for path in settings.raw.rglob("*.parquet"))
    assert all("s3cret" not in json.dumps([answer.url, answer.params]) for answer in archived("downloads"))


def test_the_plan_says_what_a_run_would_ask(world, planned):
    told = planned("downloads", ["chainer"])
    assert (told.source, told.calls, told.seconds, told.left) == ("downloads", 24, 132.0, "101 months (conda)")
    assert world.requests == []
