"""A few weeks of the archive of years that `make perf` writes: what collectors would archive, and a build takes."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from tests.perf import growth
from warehouse.query import open_readonly
from warehouse.raw import Archive

WEEKS = 5


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return growth.measure(tmp_path_factory.mktemp("growth"), [7 * WEEKS / growth.DAYS_A_YEAR])


def test_every_answer_of_the_simulated_runs_is_one_that_the_parsers_take(built: Path) -> None:
    with open_readonly(built) as connection:
        rejected = connection.execute("select rejected from meta_responses where rejected is not null").fetchall()
        runs = connection.execute("select job, count(*) from meta_runs group by job order by job").fetchall()
    assert rejected == []
    assert runs == [("downloads", 36), ("papers", 6), ("questions", 2), ("releases", 6), ("stars", 36)]


def test_thirty_repositories_have_a_count_for_every_day(built: Path) -> None:
    sql = "select count(distinct repo_id), count(*) from fct_stars where source = 'github' and estimator = 'observed'"
    with open_readonly(built) as connection:
        assert connection.execute(sql).fetchall() == [(30, 30 * (7 * WEEKS + 1))]


def test_a_star_taken_back_leaves_its_day_with_two_readings(built: Path) -> None:
    sql = "select count(*) from hist_star_days where known_to is not null and not is_partial"
    with open_readonly(built) as connection:
        assert connection.execute(sql).fetchall()[0][0] > 0


def test_the_store_keeps_less_than_half_of_the_weeks_that_were_told(built: Path) -> None:
    answers = Archive(built.parent.parent / "raw").responses("stars")
    told = sum(answer.body.count(b'"week"') for answer in answers)
    (weeks,) = (built.parent / "parsed").glob("*/star_weeks")
    stored = duckdb.sql(f"select count(*) from read_parquet('{weeks}/*.parquet')").fetchall()[0][0]
    assert 0 < stored < told / 2


def test_each_query_of_the_dashboard_is_timed(built: Path) -> None:
    times = growth.dashboard_queries(built)
    assert len(times) >= 10
    assert list(times.values()) == sorted(times.values(), reverse=True)
