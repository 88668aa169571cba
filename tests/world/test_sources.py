"""The world's further sources by plain HTTP: their contracts, limits and traps as SOURCES states them."""

from __future__ import annotations

import csv
import gzip
import io
import json
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow.parquet
import pytest
import requests

from tests.world import World, surveys
from tests.world.gharchive import hours

EVENTS = "select repo_name, day, stars from (select 1 from github.github_events where …) order by repo_name, day"
DOWNLOADS = "select project, day, downloads from (select 1 from pypi.pypi_downloads_per_day where …)"
YEAR_2018 = {"param_names": "['keras-team/keras']", "param_from": "2018-01-01", "param_until": "2019-01-01"}


@pytest.fixture
def world(shared_data: Path) -> Iterator[World]:
    with World(shared_data) as served:
        yield served


@pytest.fixture
def select(world):
    def ask(sql, **parameters):
        query = {"query": sql, "default_format": "JSONEachRow", **parameters}
        return requests.get(world.clickhouse_url, params=query, timeout=10)

    return ask


@pytest.fixture
def count(world):
    def ask(tag, first, last, **more):
        query = {"site": "stackoverflow", "tagged": tag, "fromdate": first, "todate": last, "filter": "total", **more}
        return requests.get(f"{world.stackexchange_api}/questions", params=query, timeout=10)

    return ask


def rows(answer):
    return [json.loads(line) for line in answer.text.splitlines()]


def epoch(*day):
    return int(datetime(*day, tzinfo=UTC).timestamp())


def file_of(world, day):
    return requests.get(f"{world.ranking_base}/github-ranking-{day}.csv", timeout=10)


def test_the_recorded_ranking_files_are_served_byte_for_byte(world, shared_data):
    for day in ("2018-12-18", "2026-08-22"):
        assert file_of(world, day).content == (shared_data / f"stars/github-ranking-{day}.csv").read_bytes()


def test_a_generated_ranking_file_has_the_recorded_columns_and_says_that_it_is_generated(world, shared_data):
    recorded = (shared_data / "stars/github-ranking-2026-08-22.csv").read_text("utf-8").splitlines()[0]
    answer = file_of(world, "2020-03-04")
    content = list(csv.DictReader(io.StringIO(answer.content.decode(), newline="")))
    assert answer.text.splitlines()[0] == recorded
    assert {row["description"].partition(" ")[0] for row in content} == {"Generated", ""}
    ours = {row["repo_url"][19:] for row in content if "filler" not in row["repo_url"]}
    assert ours == {
        "tensorflow/tensorflow", "keras-team/keras", "pytorch/pytorch", "BVLC/caffe", "apache/incubator-mxnet",
        "microsoft/CNTK", "PaddlePaddle/Paddle", "torch/torch7",
    }  # fmt: skip


def test_a_ranking_file_shows_stars_that_were_taken_back_later(world):
    repo = world.github.find("keras-team/keras")
    shown = world.ranking.truth(date(2020, 3, 4))["keras-team/keras"]
    assert repo.stars(date(2020, 3, 4)) < 0.94 * shown


def test_ranking_files_are_missing_before_the_first_after_today_and_on_the_fixed_days(world):
    for day in ("2018-12-17", "2026-09-12", "2020-08-31"):
        assert (file_of(world, day).status_code, file_of(world, day).text) == (404, "404: Not Found")


def test_events_come_by_name_and_day_after_a_sentinel_row(select, world):
    answer = rows(select(EVENTS, **YEAR_2018))
    assert answer[0] == {"repo_name": "", "day": "2018-01-01", "stars": "0", "of_rows": "366"}
    assert (answer[1]["repo_name"], answer[1]["day"], len(answer)) == ("keras-team/keras", "2018-01-01", 366)
    retained = sum(stars for day, stars in world.github.find("keras-team/keras").days.items() if day.year == 2018)
    assert 1.08 < sum(int(row["stars"]) for row in answer) / retained < 1.20


def test_events_stand_under_the_name_of_their_day(select):
    asked = {"param_names": "['fchollet/keras','keras-team/keras']", "param_from": "2017-08-30"}
    answer = rows(select(EVENTS, **asked, param_until="2017-09-03"))
    assert [(row["repo_name"], row["day"]) for row in answer[1:]] == [
        ("fchollet/keras", "2017-08-30"), ("fchollet/keras", "2017-08-31"),
        ("keras-team/keras", "2017-09-01"), ("keras-team/keras", "2017-09-02"),
    ]  # fmt: skip


def test_few_events_are_left_after_the_23rd_of_may_2025(select):
    asked = {"param_names": "['pytorch/pytorch']", "param_from": "2025-05-10", "param_until": "2025-06-07"}
    stars = Counter()
    for row in rows(select(EVENTS, **asked)):
        stars[row["day"] > "2025-05-23"] += int(row["stars"])
    assert 0 < stars[True] < 0.2 * stars[False]


def test_clickhouse_cuts_at_1000_rows_and_of_rows_tells_it(select, world):
    whole = {**YEAR_2018, "param_from": "2017-09-01", "param_until": "2021-01-01"}
    answer = rows(select(EVENTS, **whole))
    assert (len(answer), answer[0]["of_rows"]) == (1_000, "1216")
    world.clickhouse.integers_as_strings = False
    assert rows(select(EVENTS, **whole))[0]["of_rows"] == 1_216


def test_clickhouse_takes_the_query_as_a_body_and_the_ledger_shows_it(world):
    query = {"default_format": "JSONEachRow", **YEAR_2018}
    answer = requests.post(world.clickhouse_url, params=query, data=EVENTS.encode(), timeout=10)
    assert len(rows(answer)) == 366
    assert world.asked(r"/clickhouse/\?user=demo.*query=select.*github\.github_events") == 1


def test_clickhouse_refuses_what_it_cannot_read(select, world):
    assert (select("select 1").status_code, select("select 1").text[:9]) == (400, "Code: 62.")
    assert select(EVENTS, **{**YEAR_2018, "param_names": "keras"}).text.startswith("Code: 457. ")
    assert select(EVENTS, param_from="2018-01-01").text.startswith("Code: 456. ")
    assert requests.get(world.clickhouse_url.partition("?")[0], timeout=10).text.startswith("Code: 516. ")


def test_both_sources_of_downloads_tell_the_same_days_with_mirrors(select, world):
    asked = {"param_names": "['torch']", "param_from": "2026-09-01", "param_until": "2026-09-11"}
    told = {row["day"]: int(row["downloads"]) for row in rows(select(DOWNLOADS, **asked))[1:]}
    answer = requests.get(f"{world.pypistats_api}/packages/torch/overall?mirrors=true", timeout=10).json()
    assert told == {row["date"]: row["downloads"] for row in answer["data"] if row["date"] >= "2026-09-01"}
    assert len(told) == 10


def test_downloads_before_the_26th_of_july_2018_are_tenfold_too_low(world):
    before, after = (world.packages.downloads("torch", date(2018, 7, day)) for day in (25, 26))
    assert 0.08 < before / after < 0.12


def test_pypistats_tells_180_days_up_to_yesterday(world):
    answer = requests.get(f"{world.pypistats_api}/packages/keras/overall?mirrors=false", timeout=10).json()
    assert {key: answer[key] for key in ("package", "type")} == {"package": "keras", "type": "overall_downloads"}
    assert [answer["data"][n]["date"] for n in (0, -1)] == ["2026-03-15", "2026-09-10"]
    assert (len(answer["data"]), {row["category"] for row in answer["data"]}) == (180, {"without_mirrors"})
    both = requests.get(f"{world.pypistats_api}/packages/keras/overall", timeout=10).json()
    assert Counter(row["category"] for row in both["data"]) == {"with_mirrors": 180, "without_mirrors": 180}
    assert requests.get(f"{world.pypistats_api}/packages/nothing/overall", timeout=10).status_code == 404


def test_pypistats_limits_to_30_a_minute_when_ordered(world):
    world.pypistats.limit = True
    with requests.Session() as session:
        address = f"{world.pypistats_api}/packages/nothing/overall"
        statuses = Counter(session.get(address, timeout=10).status_code for _ in range(32))
    assert statuses == {404: 30, 429: 2}


def test_questions_are_counted_with_both_ends_included(count, world):
    midnight = epoch(2019, 4, 1)
    month = count("keras", epoch(2019, 3, 1), midnight - 1)
    assert (month.headers["Content-Encoding"], month.json()["quota_max"]) == ("gzip", 300)
    assert count("keras", epoch(2019, 3, 1), midnight).json()["total"] == month.json()["total"] + 1
    assert month.json()["total"] == world.stackexchange.month("keras", date(2019, 3, 1)) > 500


def test_months_of_questions_add_up_to_their_year_and_fall_after_2023(count, world):
    months = [world.stackexchange.month("", date(2022, month, 1)) for month in range(1, 13)]
    year = count("", epoch(2022, 1, 1), epoch(2023, 1, 1) - 1).json()["total"]
    assert sum(months) == year
    assert count("", epoch(2025, 1, 1), epoch(2026, 1, 1) - 1).json()["total"] < 0.25 * year
    assert count("nosuchtag", 0, epoch(2026, 1, 1)).json()["total"] == 0


def test_a_spent_quota_is_refused_and_a_key_has_its_own(count, world):
    world.stackexchange.remaining[""] = 1
    assert [count("keras", 0, 1).status_code for _ in range(2)] == [200, 400]
    assert count("keras", 0, 1).json() == {
        "error_id": 502,
        "error_name": "throttle_violation",
        "error_message": "too many requests from this IP, more requests available in 3600 seconds",
    }
    assert count("keras", 0, 1, key="k").json()["quota_remaining"] == 9_999


def test_who_ignores_a_backoff_is_refused_and_counted(count, world):
    world.stackexchange.order_backoff(1)
    assert count("keras", 0, 1).json()["backoff"] == 1
    assert (count("keras", 0, 1).status_code, world.stackexchange.ignored_backoffs) == (400, 1)
    time.sleep(1)
    assert "backoff" not in count("keras", 0, 1).json()


def test_conda_files_add_up_and_end_with_the_last_whole_month(world):
    answer = requests.get(f"{world.conda_base}/monthly/2026/2026-08.parquet", timeout=10)
    table = pyarrow.parquet.read_table(io.BytesIO(answer.content))
    assert table.column_names == [
        "data_source", "time", "pkg_name", "pkg_version", "pkg_platform", "pkg_python", "counts",
    ]  # fmt: skip
    totals = Counter()
    for row in table.to_pylist():
        totals[row["pkg_name"]] += row["counts"]
    assert totals == world.conda.truth(date(2026, 8, 1))
    later = requests.get(f"{world.conda_base}/monthly/2026/2026-09.parquet", timeout=10)
    assert (later.status_code, "<Code>AccessDenied</Code>" in later.text) == (403, True)


@pytest.mark.parametrize("year", range(2017, 2025))
def test_a_survey_file_holds_what_its_truth_says(world, year):
    text = requests.get(f"{world.survey_base}/{year}/results.csv", timeout=10).content.decode()
    answers = [row[surveys.column(year)] for row in csv.DictReader(io.StringIO(text, newline=""))]
    given = [answer.split("; " if year == 2017 else ";") for answer in answers if answer not in ("", "NA")]
    told = surveys.truth(year)["all"]
    assert len(answers) == 400
    assert {"": len(given)} | Counter(label for answer in given for label in answer) == told


def test_two_surveys_do_not_ask_and_one_can_be_a_pointer(world):
    for year in (2025, 2026):
        header = requests.get(f"{world.survey_base}/{year}/results.csv", timeout=10).text.splitlines()[0]
        assert "HaveWorkedWith" in header and "MiscTech" not in header
    world.surveys.pointers.add(2022)
    pointer = requests.get(f"{world.survey_base}/2022/results.csv", timeout=10).content
    assert (len(pointer), pointer[:42]) == (130, b"version https://git-lfs.github.com/spec/v1")


@pytest.mark.parametrize("year", range(2018, 2023))
def test_a_kaggle_file_holds_what_its_truth_says(year):
    names, texts, *people = csv.reader(io.StringIO(surveys.kaggle_csv(year).decode(), newline=""))
    columns = {text.rpartition(" - ")[2].strip(): n for n, text in enumerate(texts) if "Selected Choice" in text}
    told = surveys.kaggle_truth(year)["all"]
    found = {label: sum(bool(row[n]) for row in people) for label, n in columns.items() if label != "Other"}
    assert found | {"": sum(any(row[n] for n in columns.values()) for row in people)} == told
    assert names[columns["TensorFlow"]] == {2018: "Q19_Part_2", 2019: "Q28_Part_2", 2022: "Q17_2"}.get(
        year, "Q16_Part_2"
    )


def test_the_papers_with_code_file_holds_what_its_truth_says():
    links = pyarrow.parquet.read_table(io.BytesIO(surveys.papers_with_code())).to_pylist()
    found = {(row["paper_arxiv_id"][:4], row["framework"], row["repo_url"]) for row in links if row["paper_arxiv_id"]}
    counted = Counter((f"20{month[:2]}-{month[2:]}", framework) for month, framework, _ in found)
    assert counted == surveys.papers_with_code_truth()
    assert None in {row["paper_arxiv_id"] for row in links} and len(found) < len(links)


@pytest.mark.parametrize("day", [date(2014, 6, 1), date(2018, 6, 1)])
def test_a_days_hour_files_hold_its_star_events_among_others(world, day):
    found, kinds, broken = Counter(), set(), 0
    for hour in hours(day):
        address = f"{world.gharchive_base}/{day}-{hour.hour}.json.gz"
        for line in gzip.decompress(requests.get(address, timeout=10).content).decode().splitlines():
            try:
                event = json.loads(line)
            except json.JSONDecodeError:
                broken += 1
                continue
            kinds.add((event["type"], type(event["actor"])))
            name = event["repo"]["name"] if day.year >= 2015 else "{owner}/{name}".format(**event["repository"])
            found[name] += event["type"] == "WatchEvent"
    names = [name for repo in world.github.repos for name in (repo.full_name, *dict(repo.eras))]
    told = {name: stars for name, _, stars in world.clickhouse.events(names, day, date(day.year, 6, 2))}
    assert {name: found[name] for name in told} == told and sum(told.values()) > 0
    assert broken > 0 and kinds > {("WatchEvent", str if day.year < 2015 else dict)}
    assert requests.get(f"{world.gharchive_base}/{day}-01.json.gz", timeout=10).status_code == 404
