"""Sources side by side: faults stay apart, kills and signals lose nothing that was archived, schedules are kept."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import typer
from filelock import FileLock
from rich.console import Console
from typer.testing import CliRunner

from collectors import cli
from collectors.runner import collect
from tests.collectors.conftest import NOW
from tests.world import World
from warehouse import cited, registry
from warehouse.errors import BadInputError
from warehouse.raw import RUN_END, Archive
from warehouse.schedule import History, due, history

ROOT = Path(__file__).resolve().parents[2]
CHAINER = "chainer/chainer"
DRIVER = """
import sys
from datetime import datetime
from pathlib import Path
from rich.console import Console
from collectors.runner import collect
from warehouse import cited, registry
from warehouse.settings import Settings
settings = Settings(
    home=Path(sys.argv[1]), raw=Path(sys.argv[1]) / "raw", github_token="world-token", github_api=sys.argv[2],
    clock=lambda: datetime(2026, 9, 11, 15, 22, 39),
)
known = registry.load(settings)
collect(settings, known, ["stars"], frameworks=known.choose(["chainer"]), console=Console(stderr=True))
"""


@pytest.fixture
def collecting(world: World, settings) -> Iterator[subprocess.Popen[str]]:
    """A real process in the middle of Chainer's star history: eight answers have been given."""
    command = [sys.executable, "-c", DRIVER, str(settings.home), settings.github_api]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while len(world.requests) < 8 and time.monotonic() < deadline:
        time.sleep(0.01)
    yield process
    process.kill()
    process.wait()
    process.stderr.close()


def test_after_a_kill_the_next_run_completes_and_adds_nothing_twice(world, collecting, gather, days, rows):
    collecting.send_signal(signal.SIGKILL)
    collecting.wait()
    kept = days(CHAINER)
    assert len(kept) >= 5 * 210
    outcome = gather("stars")
    assert (outcome.failed, outcome.left) == ([], "")
    assert outcome.requests <= 1 + 20 - 4
    assert sum(days(CHAINER).values()) == 5_900
    assert outcome.new == len(days(CHAINER)) - len(kept)
    ids = Counter((row["response_id"], row["day"]) for row in rows("star_days"))
    assert max(ids.values()) == 1


def test_sigterm_ends_cleanly_and_notes_why(world, collecting, settings, gather, days):
    collecting.send_signal(signal.SIGTERM)
    _, errors = collecting.communicate(timeout=30)
    assert collecting.returncode == 0
    assert "stars: stopped" in errors
    assert errors.endswith("stopped; what was collected is kept\n")
    assert "Traceback" not in errors
    (part,) = Archive(settings.raw).parts("stars")
    assert "-0" not in part.stem.partition("-")[2]
    (end,) = [note for note in Archive(settings.raw).responses("stars") if note.subject == RUN_END]
    assert "stopped by the user" in json.loads(end.body)["error"]
    assert gather("stars").left == ""
    assert sum(days(CHAINER).values()) == 5_900


def test_one_failing_source_never_stops_another(world, settings):
    world.fault("html", "/arxiv", count=-1)
    shown = io.StringIO()
    known = registry.load(settings)
    stars, papers, surveys = collect(
        settings,
        known,
        ["stars", "papers", "surveys"],
        frameworks=known.choose(["toolog", "jax"]),
        console=Console(file=shown, width=120),
    )
    assert (stars.failed, bool(papers.failed), surveys.failed) == ([], True, [])
    assert "stars: done, " in shown.getvalue()
    assert "papers: failed, " in shown.getvalue()
    assert "Traceback" not in shown.getvalue()


def test_sources_that_are_not_reached_have_a_line_each_and_no_row_of_zeros(world, settings):
    shown = io.StringIO()
    known = registry.load(settings)
    away = replace(settings, github_api="http://127.0.0.1:9", pypistats_api="http://127.0.0.1:9")
    collect(
        away,
        known,
        ["stars", "downloads"],
        frameworks=known.choose(["toolog", "jax"]),
        console=Console(file=shown, width=120),
    )
    lines = shown.getvalue().splitlines()
    assert "stars: not reached; left: 2 repository records" in lines
    # ClickHouse and conda answered.
    assert [line.split()[0] for line in lines if not line.startswith(("stars:", "downloads:"))][:2] == [
        "source",
        "downloads",
    ]
    assert "stars: GitHub at 127.0.0.1:9 cannot be reached: connection refused" in lines
    assert "downloads: pypistats.org at 127.0.0.1:9 cannot be reached: connection refused" in lines


def test_when_nothing_is_reached_there_is_no_table(world, settings):
    shown = io.StringIO()
    known = registry.load(settings)
    away = replace(settings, github_api="http://127.0.0.1:9")
    frameworks = known.choose(["toolog"])
    collect(away, known, ["stars"], frameworks=frameworks, console=Console(file=shown, width=120))
    assert shown.getvalue().splitlines() == [
        "stars: not reached; left: 1 repository record",
        "stars: GitHub at 127.0.0.1:9 cannot be reached: connection refused",
    ]


def test_a_source_that_is_being_collected_is_left_alone(world, command, gather, settings):
    (settings.home / "locks").mkdir()
    with FileLock(settings.home / "locks" / "collect-stars.lock"):
        outcome = gather("stars")
        result = command("stars", "--framework", "toolog")
    assert (outcome.failed, outcome.left) == ([], "stars is being collected by another process")
    assert "stars: not asked, 0 requests, 0 rows, 0 new; left: stars is being collected" in result.stderr
    assert (result.exit_code, world.requests) == (0, [])
    assert Archive(settings.raw).parts() == []


def test_a_home_that_is_a_file_gets_one_line(dlpulse, tmp_path):
    (tmp_path / "file").write_text("", "utf-8")
    result = dlpulse("collect", "stars", DLPULSE_HOME=str(tmp_path / "file"))
    assert result.returncode == 1
    assert "stars: failed, 0 requests, 0 rows, 0 new; left: unknown" in result.stderr
    assert f"stars: {tmp_path / 'file'}: cannot be written: Not a directory" in result.stderr
    assert "unexpected" not in result.stderr


def test_a_raw_folder_that_is_a_file_gets_one_line(gather, tmp_path):
    (tmp_path / "file").write_text("", "utf-8")
    outcome = gather("stars", raw=tmp_path / "file")
    assert (outcome.requests, outcome.left) == (0, "unknown")
    assert len(outcome.failed) == 1
    assert outcome.failed[0].endswith(": Not a directory")


@pytest.mark.skipif(shutil.which("mount") is None or os.geteuid() != 0, reason="only root may mount a small disk")
def test_a_disk_that_fills_up_is_told_with_what_was_asked_and_what_is_left(gather, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=96k", "tmpfs", str(disk)], check=False).returncode:
        pytest.skip("this machine does not let root mount a small disk")
    try:
        outcome = gather("stars", raw=disk / "raw")
    finally:
        subprocess.run(["umount", str(disk)], check=True)
    assert "No space left on device" in outcome.failed[0]
    asked, left = outcome.requests, int(outcome.left.removesuffix(" pages of star history"))
    # The answer that found no room was asked for too.
    assert (asked > 1, asked + left) == (True, 1 + 20 + 1)


def test_surveys_count_the_cited_figures_too_and_take_a_file_a_run(world, gather):
    outcome = gather("surveys")
    assert (outcome.requests, outcome.failed, outcome.left) == (1, [], "7 years of Stack Overflow's survey")
    assert outcome.rows > sum(fact.table == "surveys" for fact in cited.facts()) > 30


def test_a_source_that_left_something_is_due_after_a_day(settings, gather):
    archive, asked = Archive(settings.raw), registry.load(settings).choose(["chainer"])
    gather("surveys")
    assert not due(archive, "surveys", NOW + timedelta(hours=22), asked)
    assert due(archive, "surveys", NOW + timedelta(hours=24), asked)
    for _ in range(7):
        left = gather("surveys").left
    assert left == ""
    assert not due(archive, "surveys", NOW + timedelta(days=28), asked)
    assert due(archive, "surveys", NOW + timedelta(days=31), asked)


def test_an_import_is_no_run_of_the_schedule(world, settings, bring, tmp_path):
    hour = tmp_path / "2018-06-01-15.json.gz"
    with urllib.request.urlopen(f"{world.gharchive_base}/{hour.name}") as answer:
        hour.write_bytes(answer.read())
    assert bring("gharchive", hour).failed == []
    known = history(Archive(settings.raw), "events", registry.load(settings).choose(["chainer"]))
    assert known == History()


def test_a_source_is_due_until_it_succeeded_and_again_after_its_interval(world, settings, gather):
    archive, asked = Archive(settings.raw), registry.load(settings).choose(["toolog"])
    assert due(archive, "stars", NOW, asked)
    world.fault("500", "toolog", count=-1)
    gather("stars", ["toolog"])
    assert due(archive, "stars", NOW, asked)
    world.faults.clear()
    gather("stars", ["toolog"])
    assert not due(archive, "stars", NOW + timedelta(hours=22), asked)
    assert due(archive, "stars", NOW + timedelta(hours=24), asked)


@pytest.fixture
def command(settings):
    app = typer.Typer()
    app.command()(cli.collect)
    known = settings
    return lambda *arguments, settings=known: CliRunner().invoke(app, [*arguments], obj=settings)


def test_collect_exits_1_when_a_source_failed_and_0_when_none_did(world, command):
    assert command("stars", "--framework", "toolog").exit_code == 0
    world.fault("html", "toolog/stargazers", count=-1)
    assert command("stars", "--framework", "toolog").exit_code == 1


def test_due_sources_only_are_asked(world, command):
    assert command("stars", "--framework", "toolog", "--due").exit_code == 0
    asked = len(world.requests)
    assert command("stars", "--framework", "toolog", "--due").exit_code == 0
    assert len(world.requests) == asked


def test_a_run_over_one_framework_leaves_the_others_due(world, command):
    def planned(*arguments):
        return [plan["source"] for plan in json.loads(command(*arguments, "--dry-run", "--format", "json").stdout)]

    assert command("releases", "--framework", "keras").exit_code == 0
    assert planned("releases", "--due", "--framework", "keras") == []
    assert planned("releases", "--due") == ["releases"]


def test_a_dry_run_tells_calls_time_budget_and_rest_and_asks_the_budget_alone(world, command):
    world.github.budgets["world-token"] = 12
    # papers: eleven years of 500 a page at least, and 24 totals; the last of 2010 are for later runs.
    stars, papers = json.loads(
        command("stars", "papers", "--framework", "keras", "--dry-run", "--format", "json").stdout
    )
    assert stars == {
        "source": "stars",
        "calls": 12,
        "takes about": 3.6,
        "budget": "12 of 5,000 left this hour",
        "left for next time": "about 9 pages of star history",
    }
    assert (papers["calls"], papers["left for next time"]) == (36, "176 monthly totals")
    assert [re.sub(r"^/github", "", path) for path in world.requests] == ["/rate_limit"]


def test_a_dry_run_without_network_says_that_the_budget_is_unknown(command, settings):
    away = replace(settings, github_api="http://127.0.0.1:9")
    result = command("stars", "--framework", "keras", "--dry-run", settings=away)
    assert "unknown: GitHub at 127.0.0.1:9 cannot be reached: connection refused" in " ".join(result.stdout.split())


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["star"], "unknown source 'star'; did you mean stars?"),
        (["stars", "--framework", "kers"], "unknown framework 'kers'; did you mean keras?"),
        (["papers", "--since", "June"], "--since 'June' is not a day like 2018-06-01"),
        (
            ["papers", "--since", "2018-06-01", "--until", "2017-06-01"],
            "--since 2018-06-01 is after --until 2017-06-01",
        ),
    ],
)
def test_bad_input_gets_one_line(command, arguments, line):
    error = command(*arguments).exception
    assert isinstance(error, BadInputError)
    assert str(error) == line


def test_stars_and_releases_share_the_anonymous_budget_and_leave_nothing_of_it(world, settings):
    known = registry.load(settings)
    frameworks = known.choose([name for name in known.frameworks if name != "toolog"])
    anonymous = replace(settings, github_token=None)
    quiet = Console(quiet=True)
    stars, releases = collect(anonymous, known, ["stars", "releases"], frameworks=frameworks, console=quiet)
    assert (stars.failed, releases.failed) == ([], [])
    assert releases.requests >= len(frameworks) == 11
    assert stars.requests + releases.requests == 60
    assert world.github.budgets[""] == 0
