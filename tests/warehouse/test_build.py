"""The build on a real archive: stars by all three rules, as-of, provenance, atomic publish, what a broken rule says.

What one repository tells says nothing of another, so most of these stories share one home, each with its own."""

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
A_WEEK = [(WEEK, [3, 1, 0, 0, 1, 0, 0])]
LONG_AGO, THIS_WEEK = "2015-03-28T00:00:00Z", "2026-09-06T00:00:00Z"
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
    settings: Settings,
    at: datetime,
    stars: int,
    weeks: list[tuple[date, list[int]]],
    created: str,
    asked: str = REPO,
    github: tuple[int, str] = (33015583, REPO),
) -> None:
    """Archive what GitHub would have answered at `at` (UTC): the record and one page of weeks, newest first.

    `github` is its id there and its name of today.
    """
    record = {
        "id": github[0],
        "full_name": github[1],
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


STORIES = {
    "life/life": ["life/life"],
    "since/since": ["since/since"],
    "gap/gap": ["gap/gap"],
    "beside/beside": ["beside/beside"],
    "again/again": ["again/again"],
    "renamed/renamed": ["renamed/renamed"],
    "two/names": ["two/names", "former/name"],
    "lying/lying": ["lying/lying"],
}
"""The repositories that the registry gives to a framework, which is called like the first one's owner."""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A home with the database of all stories."""
    folder = tmp_path_factory.mktemp("stories")
    texts = [
        REGISTRY.replace('"keras"', f'"{name.split("/")[0]}"').replace(
            f'[{{ name = "{REPO}" }}]', f"[{', '.join(f'{{ name = {json.dumps(one)} }}' for one in repositories)}]"
        )
        for name, repositories in STORIES.items()
    ]
    (folder / "all.toml").write_text("".join(texts))
    made = Settings(home=folder / "home", raw=folder / "home" / "raw", registry_file=folder / "all.toml")
    ids = {name: number for number, name in enumerate(("left/left", *STORIES), 1)}

    def tell(
        name: str, at: datetime, stars: int, weeks: list[tuple[date, list[int]]], created: str, asked: str = ""
    ) -> None:
        collected(made, at, stars, weeks, created, asked or name, (ids[name], name))

    evening = datetime(2026, 9, 11, 20)
    tell("life/life", evening, 9, [*A_WEEK, (WEEK - timedelta(7), [0, 0, 4, 0, 0, 0, 0])], "2026-09-01T10:00:00Z")
    tell("since/since", evening, 1000, A_WEEK, LONG_AGO)
    tell("gap/gap", datetime(2026, 9, 20), 50, [(WEEK, [1] * 7), (WEEK - timedelta(21), [2] * 7)], LONG_AGO)
    # The last reading of the 11th in California, which is the 12th in UTC; the day is over at the next one.
    tell("beside/beside", evening, 990, A_WEEK, LONG_AGO)
    tell("beside/beside", datetime(2026, 9, 12, 6), 1000, A_WEEK, LONG_AGO)
    tell("beside/beside", datetime(2026, 9, 12, 20), 1000, A_WEEK, LONG_AGO)
    tell("again/again", datetime(2026, 9, 11, 18), 1000, A_WEEK, LONG_AGO)
    tell("again/again", evening, 999, A_WEEK, LONG_AGO)
    tell("left/left", evening, 5, A_WEEK, THIS_WEEK)
    for name in STORIES["two/names"]:
        tell("two/names", evening, 64244, [(WEEK, [1] * 7)], LONG_AGO, asked=name)
    tell("lying/lying", datetime(2026, 9, 12), -5, [(WEEK, [0] * 7)], THIS_WEEK)
    publish(made)
    return made


def retained(settings: Settings, repo_id: str, columns: str = "stars") -> list[tuple[object, ...]]:
    """Columns of the repository's days, in their order."""
    sql = f"select {columns} from fct_stars where estimator = 'retained' and repo_id = '{repo_id}' order by day"
    return query(settings, sql)


def test_retained_stars_are_the_sum_from_the_beginning_once_the_whole_life_is_known(told: Settings) -> None:
    rows = retained(told, "life/life", "day, stars, stars_added, is_partial")
    assert len(rows) == 11, "Saturday 12th was still to come and is no day with zero stars"
    assert rows[0] == (date(2026, 9, 1), 4, 4, False), "days before the repository was there are none with zero stars"
    assert rows[-1] == (date(2026, 9, 11), 9, 0, True)
    assert [row[1] for row in rows] == [4, 4, 4, 4, 4, 7, 8, 8, 8, 9, 9]


def test_until_then_they_are_githubs_count_less_the_days_that_came_later(told: Settings) -> None:
    assert [stars for (stars,) in retained(told, "since/since")] == [998, 999, 999, 999, 1000, 1000]
    missing = (
        "select period_end from fct_coverage where source = 'stars' and state = 'missing' "
        "and subject = 'since/since' and note <> 'not read since'"
    )
    assert query(told, missing) == [(date(2026, 9, 5),)]


def test_before_a_gap_there_is_no_cumulative_count(told: Settings) -> None:
    rows = dict(retained(told, "gap/gap", "day, stars"))
    assert rows[WEEK - timedelta(21)] is None
    assert rows[WEEK] == 44
    assert WEEK - timedelta(7) not in rows


def test_observed_and_retained_stand_side_by_side_with_their_ratio(told: Settings) -> None:
    columns = "day, observed, retained, gross, retained_per_observed"
    assert query(told, f"select {columns} from rpt_star_disagreement where framework_id = 'beside'") == [
        (date(2026, 9, 11), 1000, 1000, None, 1.0)
    ]


def test_a_second_reading_the_same_day_keeps_the_cumulative_counts(told: Settings) -> None:
    known = [stars for (stars,) in retained(told, "again/again")]
    assert known == [998, 999, 999, 999, 1000, 1000], "as counted when these days were read"


def test_a_repository_that_is_not_in_the_registry_blocks_no_build(told: Settings) -> None:
    assert query(told, "select count(*) from meta_responses where subject = 'left/left'") == [(2,)]
    assert query(told, "select distinct repo_id from fct_stars where repo_id in ('left/left', 'renamed/renamed')") == []
    known = "select distinct subject from fct_coverage where source = 'stars' and subject in {}"
    assert query(told, known.format("('left/left', 'renamed/renamed')")) == [("renamed/renamed",)]


def test_one_repository_under_two_names_counts_once(told: Settings) -> None:
    assert query(told, "select stars_observed from rpt_frameworks where framework_id = 'two'") == [(64244,)]


def test_a_lying_answer_gives_no_fact_and_says_why(told: Settings) -> None:
    lying = "repo_id = 'lying/lying' and source = 'github' and estimator = 'observed'"
    assert query(told, f"select count(*) from fct_stars where {lying}") == [(0,)]
    rejected = "select subject, status, rejected from meta_responses where rejected is not null"
    assert query(told, rejected) == [("lying/lying", 200, "stargazers_count -5 is not a count")]


def test_every_fact_leads_to_an_answer_with_the_recorded_sha256(told: Settings) -> None:
    rows = query(
        told,
        """
        select distinct response_id, body_sha256, url
        from fct_stars
        inner join meta_responses using (response_id)
        where estimator = 'retained'
        """,
    )
    answers = {response.response_id: response for response in Archive(told.raw).responses()}
    assert len(rows) >= 6
    assert [(answers[str(response_id)].body_sha256, url) for response_id, _, url in rows] == [
        (sha256, "https://x/h") for _, sha256, _ in rows
    ]


def test_the_file_holds_tables_and_macros_only_and_describes_all(told: Settings) -> None:
    assert query(told, "select distinct schema_name from duckdb_tables()") == [("main",)]
    assert query(told, "select view_name from duckdb_views() where not internal") == []
    assert query(told, "select table_name from duckdb_tables() where comment is null") == []
    described = "select table_name, column_name from duckdb_columns() where comment is null and not internal"
    assert query(told, described) == []
    assert not list(told.home.glob("*.wal"))


def test_twice_is_once_and_the_past_as_known_then_stays_when_the_source_rewrites_it(settings: Settings) -> None:
    collected(settings, datetime(2026, 9, 20), 10, [(WEEK, [4, 1, 0, 0, 1, 0, 0])], THIS_WEEK)
    publish(settings)
    tables = ("fct_stars", "rpt_framework_figures")
    facts = [query(settings, f"select * from {table} order by all") for table in tables]
    before = query(settings, "select * from stars_as_of(timestamp '2026-09-25') order by all")
    collected(settings, datetime(2026, 9, 20, 1), 10, [(WEEK, [4, 1, 0, 0, 1, 0, 0])], THIS_WEEK)
    publish(settings)
    assert facts == [query(settings, f"select * from {table} order by all") for table in tables]
    collected(settings, datetime(2026, 10, 1), 9, A_WEEK, THIS_WEEK)
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


@pytest.fixture
def published(told: Settings, tmp_path: Path) -> Settings:
    """A copy of that home."""
    home = Path(shutil.copytree(told.home, tmp_path / "copy"))
    return dataclasses.replace(told, home=home, raw=home / "raw")


def test_a_broken_rule_publishes_nothing_and_names_its_first_row(published: Settings) -> None:
    before = published.database.read_bytes()
    with Archive(published.raw).start("bench", lambda: datetime(2026, 9, 11)) as run:
        run.write("trial:keras-tensorflow", json.dumps({**TRIAL, "device_id": "never-described"}).encode())
    with pytest.raises(DlpulseError) as caught:
        publish(published)
    message = str(caught.value)
    assert message.startswith("nothing was published: rule relationships_fct_bench_")
    assert "never-described" in message
    assert published.database.read_bytes() == before


def test_a_killed_build_leaves_the_published_file_and_the_next_one_works(published: Settings) -> None:
    before = published.database.read_bytes()
    child = subprocess.Popen(
        [sys.executable, "-m", "dlpulse", "build"],
        env=environment(published.home, DLPULSE_REGISTRY=str(published.registry_file)),
        start_new_session=True,
    )
    new = published.home / "build" / "new" / "dlpulse.duckdb"
    deadline = time.monotonic() + 60
    new.unlink(missing_ok=True)
    while not new.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert new.exists()
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert published.database.read_bytes() == before
    publish(published)
    assert query(published, "select count(*) from dim_frameworks") == [(len(STORIES),)]


def test_what_dbt_parsed_of_the_models_stays_good_in_a_home_that_was_copied(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DBT_PARTIAL_PARSE_FILE_PATH")  # what all other tests share
    publish(settings)
    home = Path(shutil.copytree(settings.home, tmp_path / "elsewhere"))
    parsed = home / "build" / "target" / "partial_parse.msgpack"
    before = parsed.stat().st_mtime_ns
    publish(dataclasses.replace(settings, home=home, raw=home / "raw"))
    assert parsed.stat().st_mtime_ns == before, "dbt parsed the models again"


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
