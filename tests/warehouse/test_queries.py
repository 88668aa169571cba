"""The worked queries: they run on any database, their figures are the world's, gaps stay gaps; and their page."""

from __future__ import annotations

import itertools
import json
import math
import os
import re
import shutil
import statistics
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.conftest import Dlpulse, environment
from tests.world import surveys
from tests.world.corpus import GENERATED_FROM, Paper
from tests.world.repos import Repo, pacific_today
from tests.world.server import World
from warehouse import queries, query
from warehouse.raw import Archive

NOW = datetime(2026, 9, 11, 15, 30)
LATER = NOW + timedelta(days=10)
# Taken back between the two collections: stars of a day that was told already.
REWRITTEN = date(2026, 8, 20)
TAKEN_BACK = 2
SOURCES = ("papers", "downloads", "releases", "questions", "events", "ranking", "surveys")
NAMES = queries.names()
SPEEDS = {"keras-tensorflow": [100.0 + n for n in range(8)], "pytorch": [200.0 + n for n in range(8)]}
# Of the world's releases of Keras and PyTorch, and one that PyTorch never made.
VERSIONS = {"keras-tensorflow": {"keras": "1.2.0"}, "pytorch": {"torch": "1.3.0+cpu"}, "older": {"torch": "9.9.9"}}
PEAK = 7_817_472 * 1_000.0
Row = dict[str, Any]
Ask = Callable[..., list[Row]]


@dataclass(frozen=True)
class Full:
    """A home with a database of everything that the world has, and the world as it stands afterwards."""

    home: Path
    world: World

    def repo(self, name: str) -> Repo:
        return next(one for one in self.world.github.repos if one.full_name == name)


def dlpulse_at(home: Path, *arguments: str, **variables: str) -> None:
    command = [sys.executable, "-m", "dlpulse", *arguments]
    result = subprocess.run(
        command, env=environment(home, **variables), capture_output=True, text=True, timeout=300, check=False
    )
    assert result.returncode == 0, result.stderr


@pytest.fixture(scope="module")
def cited(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database of the cited facts alone."""
    home = tmp_path_factory.mktemp("cited") / "home"
    dlpulse_at(home, "build")
    return home / "dlpulse.duckdb"


@pytest.fixture(scope="module")
def full(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Full]:
    """Collect all sources, ten days later the stars again, of which some were taken back; add a benchmark; build."""
    home = tmp_path_factory.mktemp("full") / "home"
    with World(shared_data, NOW) as world:
        variables = {**world.variables(), "GITHUB_TOKEN": "world-token"}
        dlpulse_at(home, "collect", "stars", *SOURCES, DLPULSE_NOW=NOW.isoformat(), **variables)
        tensorflow = next(repo for repo in world.github.repos if repo.full_name == "tensorflow/tensorflow")
        tensorflow.days[REWRITTEN] -= TAKEN_BACK
        world.at(LATER)
        dlpulse_at(home, "collect", "stars", DLPULSE_NOW=LATER.isoformat(), **variables)
        write_benchmark(home / "raw")
        dlpulse_at(home, "build")
        yield Full(home, world)


def write_benchmark(raw: Path) -> None:
    """Archive a run of two engines, eight launches each, of SPEEDS images a second; one engine in a second stack."""
    device: Row = {"device_id": "d1", "cpu": "A CPU", "cores": 2, "gpu": None, "memory_gib": 4.0, "os": "An OS"}
    matmul: Row = {"bound": "matmul", "phase": "machine", "metric": "flops_per_s", "unit": "FLOP/s", "batch_size": None}
    pure_c: Row = {"bound": "pure_c", "phase": "training", "metric": "images_per_s", "unit": "images/s"}
    bounds = [matmul | {"value": PEAK}, pure_c | {"value": 500.0, "batch_size": 128}]
    with Archive(raw).start("bench", lambda: LATER) as run:
        run.write("device", json.dumps({"kind": "device", **device, "python": "3.11.7", "versions": {}}).encode())
        told = [bound | {"precision": "float32", "samples": [bound["value"]], "how": "invented"} for bound in bounds]
        run.write("bounds", json.dumps({"kind": "bounds", "device_id": "d1", "threads": 2, "bounds": told}).encode())
        for engine, speeds in SPEEDS.items():
            for stack in ("", "older"):
                proof = {"kind": "parity", "engine": engine, "stack": stack, "proved": True, "figures": {}}
                run.write(f"parity:{engine}", json.dumps(proof).encode())
            for trial in trials(engine, speeds):
                run.write(f"trial:{engine}", json.dumps(trial).encode())
        for trial in trials("pytorch", [speed / 2 for speed in SPEEDS["pytorch"]], stack="older"):
            run.write("trial:pytorch", json.dumps(trial).encode())


def trials(engine: str, speeds: list[float], stack: str = "") -> Iterator[Row]:
    """Yield one launch a speed, with the libraries of VERSIONS."""
    common: Row = {"kind": "trial", "device_id": "d1", "track": "matched", "mode": "eager", "tuning": "stock"}
    common |= {"dataset": "digits", "threads": 2, "precision": "float32", "seed": 0, "learned": True, "stack": stack}
    common |= {"engine": engine, "framework_id": engine.partition("-")[0], "started_at": LATER.isoformat()}
    common |= {"in_force": {"versions": VERSIONS[stack or engine]}}
    measured = {"phase": "training", "metric": "images_per_s", "unit": "images/s", "batch_size": 128}
    for number, speed in enumerate(speeds):
        measurements = [{**measured, "value": speed}]
        yield common | {"trial_id": f"{engine}{stack}-{number}", "measurements": measurements}


def ask(database: Path, name: str) -> list[Row]:
    """Run a worked query behind the guard of `dlpulse sql`; return its rows by column."""
    with query.open_readonly(database) as connection:
        cursor = connection.execute(queries.find(name).sql)
        columns = [column[0] for column in cursor.description or ()]
        return [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]


@pytest.fixture(scope="module")
def rows(full: Full) -> Callable[[str], list[Row]]:
    return lambda name: ask(full.home / "dlpulse.duckdb", name)


Rows = Callable[[str], list[Row]]


# Every query, everywhere


def test_there_are_eighteen_queries_each_with_title_question_reading_and_limits() -> None:
    loaded = queries.load()
    assert len(loaded) == 18
    for one in loaded:
        assert all((one.title, one.question, one.reading, one.limits)), one.name
        assert one.question.endswith("?"), one.name


@pytest.mark.parametrize("name", NAMES)
def test_a_query_runs_on_the_cited_facts_alone(cited: Path, name: str) -> None:
    assert isinstance(ask(cited, name), list)


@pytest.mark.parametrize("name", NAMES)
def test_a_query_has_rows_after_a_full_collection(rows: Rows, name: str) -> None:
    assert rows(name)


@pytest.mark.parametrize("name", NAMES)
def test_a_query_says_the_same_twice_and_names_each_column_once(full: Full, name: str) -> None:
    database = full.home / "dlpulse.duckdb"
    with duckdb.connect(str(database), read_only=True) as connection:
        first, second = (connection.execute(queries.find(name).sql) and connection.fetchall() for _ in range(2))
        columns = [column[0] for column in connection.description or ()]
    assert first == second
    assert len(set(columns)) == len(columns)


def plain_duckdb() -> str:
    """The duckdb command: an older DuckDB than ours, as users have it."""
    found = shutil.which("duckdb", path=str(Path(sys.executable).parent)) or shutil.which("duckdb")
    if found:
        return found
    if os.environ.get("CI"):
        pytest.fail("the duckdb command is missing")
    pytest.skip("the duckdb command is missing")


@pytest.mark.parametrize("name", NAMES)
def test_the_duckdb_command_gives_the_same_rows(full: Full, cited: Path, name: str, tmp_path: Path) -> None:
    command = plain_duckdb()
    for number, database in enumerate((full.home / "dlpulse.duckdb", cited)):
        ours, theirs = tmp_path / f"ours{number}.csv", tmp_path / f"theirs{number}.csv"
        statement = f"copy (\n{queries.find(name).sql}\n) to '{{}}' (header)"
        with duckdb.connect(str(database), read_only=True) as connection:
            connection.execute(statement.format(ours))
        subprocess.run([command, "-readonly", str(database), "-c", statement.format(theirs)], check=True, timeout=60)
        assert theirs.read_text() == ours.read_text()


def test_the_command_runs_a_query(dlpulse: Dlpulse, cited: Path) -> None:
    result = dlpulse("sql", "--query", "gaps", "--format", "json", DLPULSE_HOME=str(cited.parent))
    assert (result.returncode, result.stderr) == (0, "")
    assert [row["note"] for row in json.loads(result.stdout)] == [row["note"] for row in ask(cited, "gaps")]


# The figures are the world's


def gained(repo: Repo, after: date, until: date) -> int:
    return sum(stars for day, stars in repo.days.items() if after < day <= until)


def test_momentum_is_the_stars_of_twelve_weeks_over_those_of_the_twelve_before(rows: Rows, full: Full) -> None:
    end = pacific_today(LATER) - timedelta(days=1)
    expected = {}
    for repo in full.world.github.repos:
        if repo.full_name != "zaghaghi/toolog":
            newest = gained(repo, end - timedelta(84), end)
            before = gained(repo, end - timedelta(168), end - timedelta(84))
            expected[repo.full_name] = (round(before / 12, 1), round(newest / 12, 1), round(newest / before, 2))
    found = {
        row["repo_id"]: (row["stars_a_week_before"], row["stars_a_week"], row["momentum"]) for row in rows("momentum")
    }
    assert {row["estimator"] for row in rows("momentum")} == {"retained"}
    assert found == {name: pytest.approx(figures, abs=0.1001) for name, figures in expected.items()}


def named(paper: Paper) -> set[str]:
    """The frameworks whose names stand in a generated paper, as whole words."""
    words = set(re.findall(r"\w+", f"{paper.title} {paper.abstract}"))
    names = {"TensorFlow", "Keras", "PyTorch", "JAX", "PaddlePaddle", "MXNet", "Caffe", "Theano", "Chainer", "CNTK"}
    return {*(names & words), *(["Torch (Lua)"] if "Torch7" in words else [])}


def papers_of(full: Full, year: int) -> list[Paper]:
    return [paper for paper in full.world.arxiv.papers if paper.submitted_on.year == year]


def test_shares_of_papers_have_all_papers_of_the_year_below_them(rows: Rows, full: Full) -> None:
    counts = Counter(name for paper in papers_of(full, 2025) for name in named(paper))
    total = sum(full.world.arxiv.month_total(date(2025, month, 1)) for month in range(1, 13))
    found = [row for row in rows("paper_share") if (row["measure"], row["year"]) == ("title_abstract", 2025)]
    assert {row["name"]: (row["papers"], row["share"]) for row in found if row["papers"]} == {
        name: (papers, round(papers / total, 5)) for name, papers in counts.items()
    }
    assert {(row["months"], row["ml_papers"]) for row in found} == {(12, total)}


def test_published_full_text_shares_stand_apart(rows: Rows) -> None:
    found = [row for row in rows("paper_share") if row["measure"] == "full_text" and row["year"] == 2018]
    assert {row["name"]: row["share"] for row in found} == {
        "TensorFlow": 0.143, "PyTorch": 0.047, "Keras": 0.04, "Caffe": 0.038, "Theano": 0.023, "Torch (Lua)": 0.015,
    }  # fmt: skip
    assert {(row["months"], row["papers"], row["ml_papers"]) for row in found} == {(1, None, None)}


def test_shares_among_frameworks_have_the_papers_below_them_that_name_any(rows: Rows, full: Full) -> None:
    naming = [names for names in map(named, papers_of(full, 2024)) if names]
    counts = Counter(name for names in naming for name in names)
    found = [row for row in rows("framework_share") if row["year"] == 2024 and row["papers"]]
    assert {row["name"]: row["papers"] for row in found} == counts
    assert {row["papers_naming_any"] for row in found} == {len(naming)}
    assert {row["name"]: row["share"] for row in found} == {
        name: round(papers / len(naming), 4) for name, papers in counts.items()
    }


def test_the_running_year_is_marked_by_its_months(rows: Rows) -> None:
    assert {row["months"] for row in rows("framework_share") if row["year"] == 2026} == {8}


def test_co_mentions_count_the_papers_that_name_both(rows: Rows, full: Full) -> None:
    # No recorded paper names JAX, so all of these are the generated ones.
    papers = [paper for paper in full.world.arxiv.papers if paper.submitted_on <= NOW.date()]
    naming = [names for names in map(named, papers) if "JAX" in names]
    others = Counter(name for names in naming for name in names - {"JAX"})
    found = [row for row in rows("co_mentions") if row["name"] == "JAX"]
    assert {row["beside"]: row["together"] for row in found} == others
    assert {row["papers"] for row in found} == {len(naming)}
    mirrored = {(row["beside"], row["name"]): row["together"] for row in rows("co_mentions")}
    assert all(mirrored[row["name"], row["beside"]] == row["together"] for row in rows("co_mentions"))


def test_keras_and_tensorflow_are_counted_together_by_year(rows: Rows, full: Full) -> None:
    expected = {}
    for year in range(GENERATED_FROM.year, 2026):
        keras = [names for names in map(named, papers_of(full, year)) if "Keras" in names]
        expected[year] = (len(keras), sum("TensorFlow" in names for names in keras), 12)
    found = {row["year"]: (row["papers"], row["together"], row["months_asked"]) for row in rows("keras_and_tensorflow")}
    assert {year: found[year] for year in expected} == expected


def test_the_speed_ratio_is_that_of_the_medians(rows: Rows, full: Full) -> None:
    (row,) = rows("popularity_and_speed")
    medians = {engine: statistics.median(speeds) for engine, speeds in SPEEDS.items()}
    stars = {
        engine: full.repo(name).stars(pacific_today(LATER))
        for engine, name in (("keras-tensorflow", "keras-team/keras"), ("pytorch", "pytorch/pytorch"))
    }
    a, b = row["engine_a"], row["engine_b"]
    assert (row["speed_ratio"], row["n"], row["rankable"]) == (round(medians[a] / medians[b], 2), 8, True)
    assert (row["control_gap"], row["resolved"]) == (None, False)
    assert row["low"] <= row["speed_ratio"] <= row["high"]
    assert row["stars_ratio"] == round(stars[a] / stars[b], 2)


def test_the_speed_of_a_version_stands_beside_the_day_of_its_release(rows: Rows, full: Full) -> None:
    released = {
        name: next(one["published_at"] for one in full.world.github.releases(full.repo(name)) if one["tag_name"] == tag)
        for name, tag in (("keras-team/keras", "v1.2.0"), ("pytorch/pytorch", "v1.3.0"))
    }
    days = {name: date.fromisoformat(at[:10]) for name, at in released.items()}
    found = [
        (row["engine"], row["library"], row["version"], row["released_on"], row["median"], row["to_first"])
        for row in rows("speed_by_release")
    ]
    assert found == [
        ("keras-tensorflow", "keras", "1.2.0", days["keras-team/keras"], 103.5, 1.0),
        ("pytorch", "torch", "1.3.0+cpu", days["pytorch/pytorch"], 203.5, 1.0),
        ("pytorch", "torch", "9.9.9", None, 101.8, 0.5),
    ]


def test_an_engines_overhead_is_what_it_leaves_of_the_peak(rows: Rows) -> None:
    told = ("engine", "images_per_s", "share_of_peak", "of_pure_c", "rankable")
    assert [tuple(row[name] for name in told) for row in rows("framework_overhead")] == [
        ("pytorch", 203.5, 0.2035, 0.407, True),
        ("keras-tensorflow", 103.5, 0.1035, 0.207, True),
        ("pytorch", 101.8, 0.1018, 0.204, True),
    ]


def quarter_of(day: date) -> date:
    return date(day.year, (day.month - 1) // 3 * 3 + 1, 1)


def by_quarter(repo: Repo) -> dict[date, float]:
    """Stars a week in each quarter that the repository lived through as a whole, before the running one."""
    stars, days = Counter[date](), Counter[date]()
    for day, number in repo.days.items():
        if day < pacific_today(LATER):
            stars[quarter_of(day)] += number
            days[quarter_of(day)] += 1
    return {
        quarter: 7 * stars[quarter] / days[quarter]
        for quarter in sorted(days)
        if days[quarter] == (quarter_of(quarter + timedelta(100)) - quarter).days
    }


def test_half_life_is_counted_from_the_best_quarter(rows: Rows, full: Full) -> None:
    quarters = by_quarter(full.repo("BVLC/caffe"))
    peak = max(quarters, key=lambda quarter: quarters[quarter])
    after = [quarter for quarter in quarters if quarter >= peak]
    last_above = max(n for n, quarter in enumerate(after) if quarters[quarter] > quarters[peak] / 2)
    logs = [math.log(quarters[quarter]) for quarter in after]
    fit = statistics.linear_regression([n / 4 for n in range(len(after))], logs)
    (row,) = [
        row for row in rows("half_life") if row["name"] == "Caffe" and row["measure"] == "retained stars a week, github"
    ]
    assert (row["peak_quarter"], row["peak"]) == (peak, pytest.approx(quarters[peak], abs=0.06))
    assert (row["quarters_to_half"], row["quarters_known"]) == (last_above + 1, len(after))
    assert row["half_life_years"] == pytest.approx(-math.log(2) / fit.slope, abs=0.006)


def test_half_life_leaves_active_frameworks_out(rows: Rows) -> None:
    assert {row["status"] for row in rows("half_life")} <= {"archived", "dormant", "ended", "maintenance"}


def test_rank_orders_the_newest_counts_and_marks_the_running_year(rows: Rows, full: Full) -> None:
    found = [row for row in rows("rank") if row["year"] == 2026]
    ours = [repo for repo in full.world.github.repos if repo.full_name != "zaghaghi/toolog"]
    expected = sorted(((repo.stars(pacific_today(LATER)), repo.full_name) for repo in ours), reverse=True)
    assert [(row["stars"], row["repo_id"]) for row in found] == expected
    assert [row["place"] for row in found] == list(range(1, 12))
    assert {(row["ranked"], row["is_partial"]) for row in found} == {(11, True)}
    assert not any(row["is_partial"] for row in rows("rank") if row["year"] < 2026)


def test_releases_are_as_far_apart_as_in_the_worlds_lists(rows: Rows, full: Full) -> None:
    days = sorted(
        date.fromisoformat(release["published_at"][:10])
        for release in full.world.github.releases(full.repo("pytorch/pytorch"))
        if not release["prerelease"] and not release["draft"] and release["published_at"] <= f"{NOW:%Y-%m-%dT%H:%M:%SZ}"
    )
    between = [(after - before).days for before, after in itertools.pairwise(days)]
    (row,) = [row for row in rows("releases") if row["name"] == "PyTorch"]
    assert (row["releases"], row["first_on"], row["last_on"]) == (len(days), days[0], days[-1])
    assert (row["median_days"], row["longest_days"]) == (statistics.median(between), max(between))
    assert (row["days_since_last"], row["read_on"]) == ((NOW.date() - days[-1]).days, NOW.date())


def test_only_days_that_were_rewritten_differ_from_what_was_known_then(rows: Rows, full: Full) -> None:
    retained = {row["repo_id"]: row for row in rows("known_then") if row["estimator"] == "retained"}
    changed = retained.pop("tensorflow/tensorflow")
    assert (changed["days_rewritten"], changed["taken_back"]) == (1, TAKEN_BACK)
    assert changed["last_day"] == pacific_today(NOW) - timedelta(days=1)
    assert changed["stars_now"] == full.repo("tensorflow/tensorflow").stars(changed["last_day"])
    assert changed["stars_then"] - changed["stars_now"] == TAKEN_BACK
    assert {(row["days_rewritten"], row["taken_back"]) for row in retained.values()} == {(0, 0)}


def test_provenance_leads_to_the_archived_answer(rows: Rows, full: Full) -> None:
    (row,) = [row for row in rows("provenance") if row["measure"] == "stars_observed"]
    answer = Archive(full.home / "raw").find(row["response_id"])
    assert answer is not None
    assert (answer.url, answer.status) == (row["url"], row["status"]) == (
        f"{full.world.github_api}/repos/keras-team/keras", 200,
    )  # fmt: skip
    assert answer.json()["stargazers_count"] == row["value"]


def test_retained_stars_of_the_three_kinds_are_the_worlds(rows: Rows, full: Full) -> None:
    found = [row for row in rows("star_kinds") if row["retained"] is not None]
    names = {"PyTorch": "pytorch/pytorch", "Keras": "keras-team/keras", "Caffe": "BVLC/caffe"}
    checked = [row for row in found if row["name"] in names]
    assert len(checked) > 10
    for row in checked:
        assert row["retained"] == full.repo(names[row["name"]]).stars(row["day"]), row
        assert row["retained_per_observed"] == round(row["retained"] / row["observed"], 3)


def test_downloads_are_those_of_the_thirty_newest_days(rows: Rows, full: Full) -> None:
    last = NOW.date() - timedelta(days=1)
    days = [last - timedelta(days=n) for n in range(30)]
    expected = sum(full.world.packages.downloads("torch", day, mirrors=False) or 0 for day in days)
    (row,) = [row for row in rows("downloads_per_star") if row["name"] == "PyTorch"]
    stars = full.repo("pytorch/pytorch").stars(pacific_today(LATER))
    assert row["downloads_30d"] == expected
    assert (row["stars_observed"], row["downloads_per_star"]) == (stars, round(expected / stars, 1))
    assert (row["place_by_downloads"], row["place_by_stars"]) == (1, 2)


def test_surveys_are_counted_by_population(rows: Rows) -> None:
    truth = surveys.truth(2024)
    found = {
        (row["population"], row["label"]): (row["respondents"], row["base"], row["share"])
        for row in rows("surveys")
        if (row["survey"], row["year"]) == ("stackoverflow", 2024)
    }
    for ours, theirs in (("all respondents", "all"), ("professional developers", "professionals")):
        counts = truth[theirs] or {}
        for label in ("TensorFlow", "Torch/PyTorch", "Keras", "JAX"):
            assert found[ours, label] == (counts[label], counts[""], round(counts[label] / counts[""], 4))


def test_a_count_at_an_age_was_read_within_a_month_of_it(rows: Rows) -> None:
    found = [row for row in rows("age") if row["stars"] is not None]
    assert found
    assert all(abs((row["counted_on"] - row["wanted_on"]).days) <= 31 for row in found)
    jax = {row["weeks"]: row["wanted_on"] for row in rows("age") if row["name"] == "JAX"}
    assert jax == {
        weeks: date(2018, 12, 11) + timedelta(weeks=weeks) for weeks in range(52, 53 * 8, 52) if weeks <= 404
    }


# Gaps stay gaps


@pytest.fixture
def holed(full: Full, tmp_path: Path) -> Callable[[str], Path]:
    """Return a function that runs deletions on a copy of the full database."""

    def cut(deletions: str) -> Path:
        copy = tmp_path / "holed.duckdb"
        shutil.copyfile(full.home / "dlpulse.duckdb", copy)
        with duckdb.connect(str(copy)) as connection:
            connection.execute(deletions)
        return copy

    return cut


Holed = Callable[[str], Path]


def test_a_quarter_with_a_hole_is_left_out_of_the_half_life(rows: Rows, holed: Holed) -> None:
    before = next(row for row in rows("half_life") if row["measure"].startswith("retained") and row["name"] == "Caffe")
    copy = holed("delete from fct_stars where estimator = 'retained' and day between '2022-04-10' and '2022-04-20'")
    after = next(
        row for row in ask(copy, "half_life") if row["measure"] == before["measure"] and row["name"] == "Caffe"
    )
    assert after["quarters_known"] == before["quarters_known"] - 1
    assert (after["quarters_without_gain"], after["peak"]) == (0, before["peak"])


def test_months_that_are_missing_shorten_the_year_and_a_missing_year_has_no_row(holed: Holed, full: Full) -> None:
    copy = holed(
        "delete from fct_mentions_monthly where month = '2025-06-01' or month between '2019-01-01' and '2019-12-31'"
    )
    naming = [names for paper in papers_of(full, 2025) if paper.submitted_on.month != 6 and (names := named(paper))]
    found = ask(copy, "framework_share")
    assert {(row["months"], row["papers_naming_any"]) for row in found if row["year"] == 2025} == {(11, len(naming))}
    assert 2018 in {row["year"] for row in found}
    assert 2019 not in {row["year"] for row in found}


def test_a_month_that_was_not_asked_makes_the_year_of_co_mentions_a_part(holed: Holed) -> None:
    copy = holed("delete from fct_mentions_monthly where month = '2019-03-01' and framework_id = 'tensorflow'")
    months = {row["year"]: row["months_asked"] for row in ask(copy, "keras_and_tensorflow")}
    assert (months[2018], months[2019]) == (12, 11)


def test_a_repository_without_counts_half_a_year_ago_has_no_momentum(holed: Holed) -> None:
    copy = holed(
        "delete from fct_stars where repo_id = 'pytorch/pytorch' and estimator = 'retained' "
        "and day between '2026-02-20' and '2026-05-10'"
    )
    assert "pytorch/pytorch" not in {row["repo_id"] for row in ask(copy, "momentum")}
    assert "keras-team/keras" in {row["repo_id"] for row in ask(copy, "momentum")}


def test_a_year_end_without_a_count_has_no_place(holed: Holed) -> None:
    copy = holed(
        "delete from fct_stars where repo_id = 'pytorch/pytorch' and estimator = 'observed' "
        "and day between '2020-11-20' and '2021-02-10'"
    )
    found = [row for row in ask(copy, "rank") if row["year"] == 2020]
    assert "pytorch/pytorch" not in {row["repo_id"] for row in found}
    assert {row["ranked"] for row in found} == {len(found)}


def test_what_was_never_read_is_null_and_not_zero(cited: Path) -> None:
    assert {row["downloads_30d"] for row in ask(cited, "downloads_per_star")} == {None}
    assert {row["share"] for row in ask(cited, "surveys") if not row["asked"]} == {None}
    ages = {(row["name"], row["weeks"]): row["stars"] for row in ask(cited, "age")}
    assert ages["Keras", 104] is None
    assert 0 not in ages.values()


def test_a_hole_in_the_star_history_is_told_by_gaps(holed: Holed) -> None:
    copy = holed(
        "insert into fct_coverage values ('stars', 'a/b', '2020-01-01', '2020-01-10', 'missing', 'n'), "
        "('stars', 'c/d', '2020-03-01', '2020-03-05', 'missing', 'n'), ('stars', 'e/f', null, null, 'missing', 'n')"
    )
    (row,) = [row for row in ask(copy, "gaps") if row["note"] == "n"]
    assert (row["subjects"], row["which"], row["days"], row["open_periods"]) == (3, "a/b, c/d, e/f", 15, 1)
    assert (row["first_day"], row["last_day"]) == (date(2020, 1, 1), date(2020, 3, 5))
