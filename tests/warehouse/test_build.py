"""The build on a real archive: stars by all three rules, as-of, provenance, atomic publish, what a broken rule says."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from tests.conftest import environment
from tests.warehouse.test_parse_bench import TRIAL
from warehouse import registry
from warehouse.build import build
from warehouse.errors import DlpulseError
from warehouse.raw import Archive
from warehouse.settings import Settings

REPO = "keras-team/keras"
WEEK = date(2026, 9, 6)
REGISTRY = """
[[framework]]
id = "keras"
name = "Keras"
colour = "#112233"
first_released_on = 2015-03-27
status = "active"
repositories = [{ name = "keras-team/keras" }]
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "one.toml").write_text(REGISTRY)
    return Settings(home=tmp_path / "home", raw=tmp_path / "home" / "raw", registry_file=tmp_path / "one.toml")


def collected(
    settings: Settings, at: datetime, stars: int, weeks: list[tuple[date, list[int]]], created: str, asked: str = REPO
) -> None:
    """Archive what GitHub would have answered at `at` (UTC): the record and one page of weeks, newest first."""
    record = {
        "id": 33015583,
        "full_name": REPO,
        "stargazers_count": stars,
        "forks_count": 1,
        "open_issues_count": 2,
        "subscribers_count": 3,
        "archived": False,
        "created_at": created,
        "pushed_at": "2026-09-01T00:00:00Z",
    }
    page = [
        {"week": int((week - date(1970, 1, 1)) / timedelta(seconds=1)), "total": sum(days), "days": days}
        for week, days in weeks
    ]
    with Archive(settings.raw).start("stars", lambda: at) as run:
        run.write(asked, json.dumps(record).encode(), url="https://x/repos/k", params={"kind": "repo"}, status=200)
        history = {"kind": "history", "page": 1}
        run.write(asked, json.dumps(page).encode(), url="https://x/h", params=history, status=200)


def query(settings: Settings, sql: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(settings.database), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def publish(settings: Settings) -> None:
    build(settings, registry.load(settings))


def test_retained_stars_are_the_sum_from_the_beginning_once_the_whole_life_is_known(settings: Settings) -> None:
    weeks = [(WEEK, [3, 1, 0, 0, 1, 0, 0]), (WEEK - timedelta(7), [0, 0, 4, 0, 0, 0, 0])]
    collected(settings, datetime(2026, 9, 11, 20), 9, weeks, "2026-09-01T10:00:00Z")
    publish(settings)
    rows = query(
        settings, "select day, stars, stars_added, is_partial from fct_stars where estimator = 'retained' order by day"
    )
    assert len(rows) == 11, "Saturday 12th was still to come and is no day with zero stars"
    assert rows[0] == (date(2026, 9, 1), 4, 4, False), "days before the repository was there are none with zero stars"
    assert rows[-1] == (date(2026, 9, 11), 9, 0, True)
    assert [row[1] for row in rows] == [4, 4, 4, 4, 4, 7, 8, 8, 8, 9, 9]


def test_until_then_they_are_githubs_count_less_the_days_that_came_later(settings: Settings) -> None:
    collected(settings, datetime(2026, 9, 11, 20), 1000, [(WEEK, [3, 1, 0, 0, 1, 0, 0])], "2015-03-28T00:00:00Z")
    publish(settings)
    rows = query(settings, "select stars from fct_stars where estimator = 'retained' order by day")
    assert [stars for (stars,) in rows] == [998, 999, 999, 999, 1000, 1000]
    assert query(
        settings, "select state, period_end from fct_coverage where source = 'stars' and state = 'missing'"
    ) == [("missing", date(2026, 9, 5))]


def test_before_a_gap_there_is_no_cumulative_count(settings: Settings) -> None:
    weeks = [(WEEK, [1] * 7), (WEEK - timedelta(21), [2] * 7)]
    collected(settings, datetime(2026, 9, 20), 50, weeks, "2015-03-28T00:00:00Z")
    publish(settings)
    rows = dict(query(settings, "select day, stars from fct_stars where estimator = 'retained'"))
    assert rows[WEEK - timedelta(21)] is None
    assert rows[WEEK] == 44
    assert WEEK - timedelta(7) not in rows


def test_the_past_as_known_then_stays_when_the_source_rewrites_it(settings: Settings) -> None:
    collected(settings, datetime(2026, 9, 20), 10, [(WEEK, [4, 1, 0, 0, 1, 0, 0])], "2026-09-06T00:00:00Z")
    publish(settings)
    before = query(settings, "select * from stars_as_of(timestamp '2026-09-25') order by all")
    collected(settings, datetime(2026, 10, 1), 9, [(WEEK, [3, 1, 0, 0, 1, 0, 0])], "2026-09-06T00:00:00Z")
    publish(settings)
    assert query(settings, "select * from stars_as_of(timestamp '2026-09-25') order by all") == before
    now = query(settings, "select * from fct_stars order by all")
    assert query(settings, "select * from stars_as_of(timestamp '2026-11-30') order by all") == now != before
    assert query(settings, "select count(*) from stars_as_of(timestamp '2026-09-01') where estimator = 'retained'") == [
        (0,)
    ]
    changed = "select day, stars_added, known_from from hist_star_days where known_from > '2026-09-30'"
    assert query(settings, changed) == [(WEEK, 3, datetime(2026, 10, 1))]
    # The first day's stars are part of every later sum.
    known_at = "select distinct known_at from fct_stars where estimator = 'retained' and stars is not null"
    assert query(settings, known_at) == [(datetime(2026, 10, 1),)]


def test_observed_and_retained_stand_side_by_side_with_their_ratio(settings: Settings) -> None:
    weeks = [(WEEK, [3, 1, 0, 0, 1, 0, 0])]
    # The last reading of the 11th in California, which is the 12th in UTC; the day is over at the next one.
    collected(settings, datetime(2026, 9, 11, 20), 990, weeks, "2015-03-28T00:00:00Z")
    collected(settings, datetime(2026, 9, 12, 6), 1000, weeks, "2015-03-28T00:00:00Z")
    collected(settings, datetime(2026, 9, 12, 20), 1000, weeks, "2015-03-28T00:00:00Z")
    publish(settings)
    assert query(
        settings, "select day, observed, retained, gross, retained_per_observed from rpt_star_disagreement"
    ) == [(date(2026, 9, 11), 1000, 1000, None, 1.0)]


def test_twice_is_once(settings: Settings) -> None:
    collected(settings, datetime(2026, 9, 11, 20), 5, [(WEEK, [3, 1, 0, 0, 1, 0, 0])], "2026-09-06T00:00:00Z")
    publish(settings)
    facts = [query(settings, f"select * from {table} order by all") for table in ("fct_stars", "rpt_framework_figures")]
    collected(settings, datetime(2026, 9, 11, 21), 5, [(WEEK, [3, 1, 0, 0, 1, 0, 0])], "2026-09-06T00:00:00Z")
    publish(settings)
    assert facts == [
        query(settings, f"select * from {table} order by all") for table in ("fct_stars", "rpt_framework_figures")
    ]


def test_every_fact_leads_to_an_answer_with_the_recorded_sha256(settings: Settings) -> None:
    collected(settings, datetime(2026, 9, 11, 20), 5, [(WEEK, [3, 1, 0, 0, 1, 0, 0])], "2026-09-06T00:00:00Z")
    publish(settings)
    rows = query(
        settings,
        """
        select distinct response_id, body_sha256, url
        from fct_stars
        inner join meta_responses using (response_id)
        where estimator = 'retained'
        """,
    )
    answers = {response.response_id: response for response in Archive(settings.raw).responses()}
    assert [(answers[response_id].body_sha256, url) for response_id, _, url in rows] == [(rows[0][1], "https://x/h")]


def test_an_empty_home_builds_a_file_of_tables_and_macros_only(settings: Settings) -> None:
    publish(settings)
    assert query(settings, "select distinct schema_name from duckdb_tables()") == [("main",)]
    assert query(settings, "select view_name from duckdb_views() where not internal") == []
    assert query(settings, "select table_name from duckdb_tables() where comment is null") == []
    described = "select table_name, column_name from duckdb_columns() where comment is null and not internal"
    assert query(settings, described) == []
    assert not list(settings.home.glob("*.wal"))


def test_a_second_reading_the_same_day_keeps_the_cumulative_counts(settings: Settings) -> None:
    weeks = [(WEEK, [3, 1, 0, 0, 1, 0, 0])]
    collected(settings, datetime(2026, 9, 11, 18), 1000, weeks, "2015-03-28T00:00:00Z")
    collected(settings, datetime(2026, 9, 11, 20), 999, weeks, "2015-03-28T00:00:00Z")
    publish(settings)
    rows = query(settings, "select stars from fct_stars where estimator = 'retained' order by day")
    assert [stars for (stars,) in rows] == [998, 999, 999, 999, 1000, 1000], "as counted when these days were read"


def test_a_repository_that_left_the_registry_blocks_no_build(settings: Settings) -> None:
    collected(settings, datetime(2026, 9, 11, 20), 5, [(WEEK, [3, 1, 0, 0, 1, 0, 0])], "2026-09-06T00:00:00Z")
    assert settings.registry_file
    settings.registry_file.write_text(REGISTRY.replace(REPO, "keras-team/renamed"))
    publish(settings)
    assert query(settings, "select distinct repo_id from fct_stars where estimator = 'retained'") == []
    assert query(
        settings, "select distinct subject from fct_coverage where source = 'stars' and subject like '%/%'"
    ) == [("keras-team/renamed",)]


def test_one_repository_under_two_names_counts_once(settings: Settings) -> None:
    assert settings.registry_file
    both = f'[{{ name = "{REPO}" }}, {{ name = "fchollet/keras" }}]'
    settings.registry_file.write_text(REGISTRY.replace(f'[{{ name = "{REPO}" }}]', both))
    for name in (REPO, "fchollet/keras"):
        collected(settings, datetime(2026, 9, 11, 20), 64244, [(WEEK, [1] * 7)], "2015-03-28T00:00:00Z", asked=name)
    publish(settings)
    assert query(settings, "select stars_observed from rpt_frameworks") == [(64244,)]


def test_a_lying_answer_gives_no_fact_and_says_why(settings: Settings) -> None:
    collected(settings, datetime(2026, 9, 12), -5, [(WEEK, [0] * 7)], "2026-09-06T00:00:00Z")
    publish(settings)
    assert query(settings, "select count(*) from fct_stars where source = 'github' and estimator = 'observed'") == [
        (0,)
    ]
    rejected = "select subject, status, rejected from meta_responses where rejected is not null"
    assert query(settings, rejected) == [(REPO, 200, "stargazers_count -5 is not a count")]


def test_a_broken_rule_publishes_nothing_and_names_its_first_row(settings: Settings) -> None:
    publish(settings)
    before = settings.database.read_bytes()
    with Archive(settings.raw).start("bench", lambda: datetime(2026, 9, 11)) as run:
        run.write("trial:keras-tensorflow", json.dumps({**TRIAL, "device_id": "never-described"}).encode())
    with pytest.raises(DlpulseError) as caught:
        publish(settings)
    message = str(caught.value)
    assert message.startswith("nothing was published: rule relationships_fct_bench_")
    assert "never-described" in message
    assert settings.database.read_bytes() == before


def test_a_killed_build_leaves_the_published_file_and_the_next_one_works(settings: Settings) -> None:
    publish(settings)
    before = settings.database.read_bytes()
    child = subprocess.Popen(
        [sys.executable, "-m", "dlpulse", "build"],
        env=environment(settings.home, DLPULSE_REGISTRY=str(settings.registry_file)),
        start_new_session=True,
    )
    new = settings.home / "build" / "new" / "dlpulse.duckdb"
    deadline = time.monotonic() + 60
    new.unlink(missing_ok=True)
    while not new.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert new.exists()
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert settings.database.read_bytes() == before
    publish(settings)
    assert query(settings, "select count(*) from dim_frameworks") == [(1,)]


def test_a_home_that_cannot_be_written_is_one_line(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    nowhere = dataclasses.replace(settings, home=tmp_path / "file" / "home", raw=tmp_path / "raw")
    with pytest.raises(DlpulseError, match=r"^cannot build in .*: Not a directory$"):
        publish(nowhere)


@pytest.mark.skipif(shutil.which("mount") is None or os.geteuid() != 0, reason="only root may mount a small disk")
@pytest.mark.parametrize("size", ["200k", "3m"])
def test_a_full_disk_publishes_nothing_and_says_so(settings: Settings, tmp_path: Path, size: str) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(disk)], check=False)
    if mounted.returncode:
        pytest.skip("this machine does not let root mount a small disk")
    try:
        full = dataclasses.replace(settings, home=disk / "home", raw=disk / "home" / "raw")
        with pytest.raises(DlpulseError) as caught:
            publish(full)
        assert re.search(r"No space left on device$|the disk that holds .* is full$", str(caught.value))
        assert "\n" not in str(caught.value)
        assert not full.database.exists()
    finally:
        subprocess.run(["umount", str(disk)], check=True)
