"""The raw archive is lost and the database kept: `dlpulse raw restore`, and a build says again what was known then."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from collectors.runner import collect
from tests.bench import stored_runs as bench
from tests.collectors.conftest import NOW, QUIET
from tests.conftest import ROOT, Dlpulse
from tests.warehouse.test_kills import KILLER
from tests.warehouse.test_operator import another_writer
from tests.world import World
from warehouse import registry, restore
from warehouse.build import build
from warehouse.exportrows import Chooser
from warehouse.held import Holdings
from warehouse.keptrows import KEPT
from warehouse.parse import Rejected, rows_of
from warehouse.raw import Archive, Response
from warehouse.settings import Settings
from warehouse.verification import verify

LATER = NOW + timedelta(days=3)
MEASURED = datetime(2026, 11, 23)
AFTERWARDS = datetime(2026, 12, 24)
THEN = MEASURED + timedelta(hours=18)
# Of each: what the database after the restore must hold as it did before, but for the answer's id.
SAME = {
    "repo_records": "select * exclude (response_id) from hist_star_counts where source = 'github'",
    "repositories": "select * exclude (response_id) from hist_repos",
    "repo days": "select * exclude (response_id) from fct_repo_days",
    "star days": "select * exclude (response_id) from hist_star_days",
    "stars as of": f"select * exclude (response_id) from stars_as_of('{NOW + timedelta(days=1)}')"
    " where estimator = 'retained' or source = 'github'",
    "star sums": "select * exclude (response_id) from rpt_star_sums",
    "downloads": "select * exclude (response_id) from hist_downloads",
    "questions": "select * exclude (response_id) from hist_questions",
    "devices": "select * from dim_devices",
    "parity": "select * exclude (response_id) from meta_parity",
    "trials": "select * exclude (response_id) from fct_bench_trials",
    "epochs": "select * exclude (response_id) from fct_bench_epochs",
    "bounds": "select * exclude (response_id) from fct_bench_bounds",
    "results": "select * from fct_bench_results",
    "ratios": "select * from fct_bench_ratios",
    "results then": f"select framework_id, train_images_per_s from frameworks_as_of('{THEN}')"
    " where train_images_per_s is not null",
    "results before": f"select framework_id, train_images_per_s from frameworks_as_of('{MEASURED}')",
}


@dataclass
class Lost:
    """A home whose archive was lost and restored: its settings, the database of before, and what restoring printed."""

    settings: Settings
    world: World
    before: Path
    told: subprocess.CompletedProcess[str]


def ticking(start: datetime) -> Callable[[], datetime]:
    """A clock that is a second later each time."""
    seconds = itertools.count()
    return lambda: start + timedelta(seconds=next(seconds))


def ask(settings: Settings, world: World, at: datetime, *sources: str) -> None:
    known = registry.load(settings)
    world.at(at)
    for source in sources:
        now = replace(settings, clock=ticking(at))
        outcome = collect(now, known, [source], frameworks=known.choose(["chainer"]), console=QUIET)[0]
        assert outcome.reached, outcome


def gathered(settings: Settings, world: World) -> None:
    """Collect twice from a world that rewrites what it told in between; measure two runs on two devices."""
    ask(settings, world, NOW, "stars", "downloads", "questions", "ranking")
    repo = world.github.find("chainer/chainer")
    repo.days = dict(repo.days)
    repo.days[max(day for day, stars in repo.days.items() if stars and day < date(2026, 8, 20))] -= 1
    # Twice on one day: a count that changes, and forks of which the day keeps the last alone.
    ask(settings, world, LATER, "stars")
    repo.days[LATER.date()] = repo.days.get(LATER.date(), 0) + 5
    ask(settings, world, LATER + timedelta(hours=2), "stars", "downloads", "questions")
    measured(settings)


def measured(settings: Settings) -> None:
    trials = [*bench.trials(bench.KERAS, bench.FAST), *bench.trials("pytorch", bench.SLOW)]
    learning = [bench.learning("pytorch", seed, [0.5, 0.9]) for seed in range(3)]
    proofs = [bench.proof(bench.KERAS), bench.proof("pytorch", proved=False)]
    bench.store(settings, [bench.device(), *proofs, *trials, *learning, bench.bounds(1e11)], hour=12)
    older = bench.trials(bench.KERAS, [1.0, 2.0], device_id="d2", device="gpu")
    older = [{**one, "trial_id": f"d2-{one['trial_id']}"} for one in older]
    bench.store(settings, [bench.device("d2", gpu="H200", memory_gib=0.1 + 0.2), *older], hour=10)


def call(settings: Settings, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    home = {"DLPULSE_HOME": str(settings.home), "DLPULSE_NOW": "2026-12-24T00:00:00Z", "COLUMNS": "120"}
    command = [sys.executable, "-m", "dlpulse", *words]
    return subprocess.run(command, env=os.environ | home | variables, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def lost(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lost]:
    home = tmp_path_factory.mktemp("restore") / "home"
    home.mkdir()
    with World(shared_data, NOW) as world:
        addresses = {name: getattr(world, name) for name in vars(Settings(home, home)) if hasattr(world, name)}
        settings = Settings(home=home, raw=home / "raw", github_token="world-token", timeout=5.0, **addresses)
        gathered(settings, world)
        build(settings, registry.load(settings))
        before = Path(shutil.copy(settings.database, home.parent / "before.duckdb"))
        for folder in ("raw", "parsed"):
            shutil.rmtree(home / folder)
        told = call(settings, "raw", "restore", str(before))
        assert told.returncode == 0, told.stderr
        build(settings, registry.load(settings), even_if_smaller=True)
        yield Lost(settings, world, before, told)


def rows(database: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect() as connection:
        connection.execute(f"attach '{database}' as one (read_only)").execute("use one")
        return connection.execute(f"from ({sql}) order by all").fetchall()


@pytest.mark.parametrize("what", SAME)
def test_what_was_restored_is_as_it_was_row_by_row(lost: Lost, what: str) -> None:
    before = rows(lost.before, SAME[what])
    assert rows(lost.settings.database, SAME[what]) == before
    assert before


def test_it_is_what_changed_between_the_collections_too(lost: Lost) -> None:
    ended = "select count(*) from {} where known_to is not null"
    for history in ("hist_star_days", "hist_star_counts"):
        ((number,),) = rows(lost.settings.database, ended.format(history))
        assert number > 0, history


def test_no_answer_was_rejected_and_each_names_what_it_was_made_of(lost: Lost) -> None:
    sql = "select count(*) from meta_responses where source = 'restored' and rejected is not null"
    assert rows(lost.settings.database, sql) == [(0,)]
    origins = {
        (one.params["answer"], one.params["sha256"], one.url)
        for one in Archive(lost.settings.raw).responses("restored")
        if one.params
    }
    assert len(origins) > 20
    told = "select response_id, body_sha256, url from meta_responses where source <> 'cited'"
    assert origins <= set(rows(lost.before, told))


def test_the_archive_is_without_fault_and_restoring_again_changes_nothing(lost: Lost) -> None:
    archive = Archive(lost.settings.raw)
    assert archive.sources() == ["restored"]
    assert verify(archive, "restored", datetime(2027, 3, 1), lambda part: None).faults == []
    files = {path: path.read_bytes() for path in archive.files()}
    for database in (lost.before, lost.settings.database):
        told = call(lost.settings, "raw", "restore", str(database))
        assert (told.returncode, told.stderr) == (
            0, f"nothing to restore: {archive.root} lacks nothing that the database still tells\n",
        )  # fmt: skip
    assert {path: path.read_bytes() for path in archive.files()} == files
    assert call(lost.settings, "raw", "verify").returncode == 0


def test_the_table_says_what_was_restored_and_by_what_the_rest_is_asked_again(lost: Lost) -> None:
    lines = {line.split()[0]: line.split() for line in lost.told.stdout.splitlines() if line.strip()}
    assert all(lines[table][1] == lines[table][2] != "0" for table in KEPT)
    assert lines["rankings"][1] != "0"
    assert lines["rankings"][2:] == ["0", "dlpulse", "collect", "ranking"]
    assert "collect, then `dlpulse build --even-if-smaller`" in lost.told.stderr


def test_licences_still_hold(lost: Lost) -> None:
    def chosen(database: Path) -> dict[str, tuple[Any, ...]]:
        found = {}
        with duckdb.connect() as connection:
            connection.execute(f"attach '{database}' as one (read_only)").execute("use one")
            chooser = Chooser(connection, own_use=False)
            for table in ("hist_downloads", "hist_questions", "hist_star_days", "fct_repo_days", "meta_parity"):
                columns = [row[0] for row in connection.execute(f"describe {table}").fetchall()]
                selection = chooser.choose(table, columns)
                found[table] = selection.sources, dict(selection.unlicensed)
        return found

    after = chosen(lost.settings.database)
    assert after == chosen(lost.before)
    assert after["hist_questions"] == (("stackexchange",), {})
    assert set(after["hist_downloads"][1]) == {"clickhouse", "pypistats"}


def test_what_is_collected_again_adds_to_what_was_restored_and_rewrites_nothing(lost: Lost, tmp_path: Path) -> None:
    shutil.copytree(lost.settings.home, tmp_path / "home")
    settings = replace(lost.settings, home=tmp_path / "home", raw=tmp_path / "home" / "raw")
    ask(settings, lost.world, LATER + timedelta(days=1), "stars", "downloads", "questions", "releases")
    build(settings, registry.load(settings))
    for history in ("hist_star_days", "hist_star_counts", "hist_repos", "hist_downloads", "hist_questions"):
        known = f"select * exclude (known_to) from {history} where not starts_with(response_id, 'cited:')"
        then, now = (set(rows(database, known)) for database in (lost.settings.database, settings.database))
        assert then <= now, history
        # What still holds is not told anew, though all of it was asked again.
        assert len(now - then) < len(then), history
    assert rows(settings.database, SAME["stars as of"]) == rows(lost.settings.database, SAME["stars as of"])


def test_status_has_no_source_more(lost: Lost) -> None:
    told = call(lost.settings, "status", "--format", "json")
    assert "restored" not in {source["source"] for source in json.loads(told.stdout)["sources"]}


def test_a_dry_run_writes_nothing(lost: Lost, tmp_path: Path) -> None:
    empty = replace(lost.settings, home=tmp_path / "home")
    told = call(empty, "raw", "restore", str(lost.before), "--dry-run")
    assert (told.returncode, told.stdout) == (0, lost.told.stdout)
    assert not list((tmp_path / "home").rglob("*.parquet"))


def test_only_the_runs_that_the_archive_lacks_are_restored(lost: Lost, tmp_path: Path) -> None:
    archive = Archive(tmp_path / "raw")
    whole = restore.plan(archive, lost.before, AFTERWARDS)
    there = whole.runs[0][0].json()["restored"]
    folder = tmp_path / "raw" / "source=stars"
    folder.mkdir(parents=True)
    part = Archive(lost.settings.raw).parts("restored")[0]
    shutil.copy(part, folder / f"{there}.parquet")
    found = restore.plan(archive, lost.before, AFTERWARDS)
    wanted = [run[0].run_id for run in whole.runs[1:]]
    assert [run[0].run_id for run in found.runs] == wanted
    # A database made of what was restored calls the runs by other names.
    again = restore.plan(archive, lost.settings.database, AFTERWARDS)
    assert [run[0].run_id for run in again.runs] == wanted
    restored = {one.what: one.restored for one in found.kept}
    assert restored["bench_trials"] > 0
    assert sum(restored.values()) < sum(one.restored for one in whole.kept)


def test_a_restored_run_gives_way_to_its_original(lost: Lost, tmp_path: Path) -> None:
    shutil.copytree(lost.settings.raw, tmp_path / "raw")
    archive = Archive(tmp_path / "raw")
    first, *others = archive.parts("restored")
    assert list(Holdings.of(archive, {}).sources["restored"]) == [part.stem for part in (first, *others)]
    (tmp_path / "raw" / "source=stars").mkdir()
    original = next(iter(archive.responses("restored"))).json()["restored"]
    shutil.copy(first, tmp_path / "raw" / "source=stars" / f"{original}.parquet")
    held = Holdings.of(archive, {})
    assert list(held.sources["stars"]) == [original]
    assert list(held.sources["restored"]) == [part.stem for part in others]


@pytest.mark.parametrize("moment", ["before replace", "after replace"])
def test_a_kill_leaves_whole_runs_and_the_next_restore_finishes_them(lost: Lost, tmp_path: Path, moment: str) -> None:
    (tmp_path / "sitecustomize.py").write_text(KILLER)
    settings = replace(lost.settings, home=tmp_path / "home", raw=tmp_path / "home" / "raw")
    names = [part.name for part in Archive(lost.settings.raw).parts("restored")]
    hooks = {"PYTHONPATH": f"{tmp_path}:{ROOT}", "KILL_LOG": str(tmp_path / "log")}
    with subprocess.Popen(
        [sys.executable, "-m", "dlpulse", "raw", "restore", str(lost.before)],
        env=os.environ | hooks | {"DLPULSE_HOME": str(settings.home), "KILL_AT": f"{moment} {names[2]}"},
        start_new_session=True,
        stdout=subprocess.DEVNULL,
    ) as process:
        pass
    assert process.returncode == -signal.SIGKILL
    archive = Archive(settings.raw)
    assert [part.name for part in archive.parts()] == names[: 2 + moment.startswith("after")]
    assert verify(archive, "restored", datetime(2027, 3, 1), lambda part: None).faults == []
    told = call(settings, "raw", "restore", str(lost.before))
    assert told.returncode == 0, told.stderr
    assert [part.name for part in archive.parts()] == names
    assert verify(archive, "restored", datetime(2027, 3, 1), lambda part: None).faults == []


def line_of(told: subprocess.CompletedProcess[str], code: int) -> str:
    assert (told.returncode, told.stdout) == (code, "")
    (line,) = told.stderr.splitlines()
    return line


def test_what_is_no_database_of_dlpulse_is_refused_in_one_line(dlpulse: Dlpulse, lost: Lost, tmp_path: Path) -> None:
    assert line_of(dlpulse("raw", "restore", str(tmp_path / "none")), 2).endswith(
        "none is no file; name a database that dlpulse published"
    )
    (tmp_path / "text").write_text("not a database\n" * 1000)
    assert "text is no DuckDB file, or is damaged" in line_of(dlpulse("raw", "restore", str(tmp_path / "text")), 1)
    with duckdb.connect(str(tmp_path / "other.duckdb")) as connection:
        connection.execute("create table yours as select 1 as one")
    other = line_of(dlpulse("raw", "restore", str(tmp_path / "other.duckdb")), 2)
    assert "other.duckdb is no database as this version of dlpulse publishes it" in other
    with another_writer(tmp_path / "other.duckdb"):
        held = line_of(dlpulse("raw", "restore", str(tmp_path / "other.duckdb")), 1)
    assert "another program holds" in held
    older = Path(shutil.copy(lost.before, tmp_path / "older.duckdb"))
    with duckdb.connect(str(older)) as connection:
        connection.execute("alter table hist_questions drop questions")
    assert "questions" in line_of(dlpulse("raw", "restore", str(older)), 2)
    assert not (tmp_path / "home" / "raw").exists()


def test_a_database_that_tells_what_cannot_be_is_refused(dlpulse: Dlpulse, lost: Lost, tmp_path: Path) -> None:
    for name, sql, told in (
        ("day", "update hist_downloads set day = '2199-01-01'", "2199-01-01 is after it was read"),
        ("path", "update meta_responses set run_id = '../../../' || run_id", "it is of run '../"),
        ("instant", "update meta_responses set fetched_at = '2199-01-01'", "it was read at 2199-01-01"),
        ("never", "update hist_downloads set known_from = 'infinity'", "what cannot be"),
        ("nothing", "update meta_responses set fetched_at = null", "it was read at None"),
    ):
        wrong = Path(shutil.copy(lost.before, tmp_path / f"{name}.duckdb"))
        with duckdb.connect(str(wrong)) as connection:
            connection.execute(sql)
        assert told in line_of(dlpulse("raw", "restore", str(wrong)), 2)
    assert not (tmp_path / "home" / "raw").exists()


def test_a_damaged_database_and_a_full_disk_end_in_one_line(dlpulse: Dlpulse, lost: Lost, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.duckdb"
    content = bytearray(lost.before.read_bytes())
    content[20_000 : len(content) - 20_000] = bytes(len(content) - 40_000)
    damaged.write_bytes(content)
    assert "damaged" in line_of(dlpulse("raw", "restore", str(damaged)), 1)
    (tmp_path / "home").mkdir(exist_ok=True)
    (tmp_path / "home" / "raw").mkdir()
    (tmp_path / "home" / "raw" / "source=restored").write_text("no folder")
    assert "cannot write" in line_of(dlpulse("raw", "restore", str(lost.before)), 1)


DAY = {"provider": "pypistats", "package": "keras", "granularity": "day", "mirrors": False, "day": "2026-09-01"}
QUESTION = {"tag": None, "month": "2026-08-01", "questions": 7}


def answer(subject: str, told: Sequence[Any]) -> Response:
    return Response(
        response_id="20260911T000000-00000000-00002", run_id="20260911T000000-00000000", source="restored",
        subject=subject, url=None, params={}, status=None, etag=None, revalidates=None, fetched_at=NOW,
        body=json.dumps({"rows": told}).encode(),
    )  # fmt: skip


def test_rows_of_an_archive_from_elsewhere_are_read_by_their_columns() -> None:
    ((table, row),) = rows_of(answer("pypistats:package_downloads", [{**DAY, "downloads": 5}]))
    assert (table, row["day"], row["downloads"], row["fetched_at"]) == ("package_downloads", date(2026, 9, 1), 5, NOW)
    ((table, row),) = rows_of(answer("stackexchange:question_counts", [QUESTION]))
    assert (table, row["tag"], row["questions"]) == ("question_counts", None, 7)


@pytest.mark.parametrize(
    ("subject", "told", "reason"),
    [
        ("pypistats:papers", [{}], "cannot be restored"),
        ("papers", [{}], "cannot be restored"),
        ("pypistats:package_downloads", [], "no rows"),
        ("pypistats:package_downloads", ["x"], "must have its columns"),
        ("pypistats:package_downloads", [DAY], "must have its columns"),
        ("conda:package_downloads", [{**DAY, "downloads": 5}], "not of conda"),
        ("pypistats:package_downloads:keras", [{**DAY, "downloads": 5}], "not of pypistats"),
        ("pypistats:package_downloads", [{**DAY, "downloads": -5}], "is not a count"),
        ("pypistats:package_downloads", [{**DAY, "downloads": True}], "is not a count"),
        ("pypistats:package_downloads", [{**DAY, "downloads": None}], "downloads is empty"),
        ("pypistats:package_downloads", [{**DAY, "downloads": 5, "day": "2027-01-01"}], "after it was read"),
        ("pypistats:package_downloads", [{**DAY, "downloads": 5, "granularity": "hour"}], "is not one of day, month"),
        ("pypistats:package_downloads", [{**DAY, "downloads": 5, "package": "\ud800"}], "is not a text"),
        ("stackexchange:question_counts", [{**QUESTION, "month": "2026-09-01"}], "no month that was over"),
        ("stackexchange:question_counts", [{**QUESTION, "month": "2026-08-02"}], "no month that was over"),
        (
            "github:star_days:a/b",
            [{"repo_id": "a/b", "week": "2026-08-30", "day": "2026-08-30", "stars_added": 1}],
            "does not have its 7 days",
        ),
        (
            "github:star_days:a/b",
            [{"repo_id": "a/c", "week": "2026-08-30", "day": "2026-08-30", "stars_added": 1}],
            "not of github:star_days:a/b",
        ),
    ],
)
def test_what_does_not_fit_is_rejected(subject: str, told: Sequence[Any], reason: str) -> None:
    with pytest.raises(Rejected, match=reason):
        rows_of(answer(subject, told))
