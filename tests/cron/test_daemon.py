"""The schedule under Debian's own cron: a real daemon runs the lines of `dlpulse cron install`, each minute.

It needs root, cron, and a machine whose cron nobody else uses: it writes root's crontab and takes it out again.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from cron import table
from tests.conftest import environment
from tests.world.server import World

NOW = datetime(2026, 11, 20, 12)
# A collection of all sources and a build, of which each begins at a whole minute, while other tests run.
PATIENCE_S = 420
TOKEN = "world-token"


@pytest.fixture
def daemon() -> Iterator[Callable[[str], None]]:
    """What installs a crontab for root and starts cron; afterwards both are gone."""
    reason = _why_not()
    if reason:
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    running: list[subprocess.Popen[bytes]] = []

    def start(crontab: str) -> None:
        subprocess.run(["crontab", "-"], input=crontab.encode(), check=True)
        running.append(subprocess.Popen([shutil.which("cron") or "cron", "-f"], env={}, start_new_session=True))

    yield start
    subprocess.run(["crontab", "-r"], check=False)
    for process in running:
        process.terminate()
        process.wait()
    deadline = time.monotonic() + PATIENCE_S
    while any("cron.job" in _reads(path) for path in Path("/proc").glob("[0-9]*/cmdline")):
        assert time.monotonic() < deadline, "a job goes on"
        time.sleep(0.5)


def _why_not() -> str | None:
    if os.getuid() or not (shutil.which("cron") and shutil.which("crontab")):
        return "needs root and Debian's cron"
    if subprocess.run(["crontab", "-l"], capture_output=True, check=False).returncode == 0:
        return "root has a crontab already"
    running = [path for path in Path("/proc").glob("[0-9]*/comm") if _reads(path) == "cron"]
    return "this machine's own cron is running" if running else None


def _reads(path: Path) -> str:
    try:
        return path.read_text("utf-8").strip()
    except OSError:
        return ""


def until(done: Callable[[], bool], what: str, log: Path) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not done():
        assert time.monotonic() < deadline, f"{what} did not happen: {_reads(log)}"
        time.sleep(0.5)


@pytest.mark.long
def test_cron_collects_twice_builds_and_publishes(
    daemon: Callable[[str], None], shared_data: Path, tmp_path: Path
) -> None:
    home, settings, bare = tmp_path / "home", tmp_path / "env", tmp_path / "bare"
    log = home / "logs" / "cron.log"
    with World(shared_data, NOW) as world:

        def configure(now: datetime) -> None:
            values = {
                **{name: value for name, value in environment(home).items() if name.startswith("DLPULSE_")},
                **world.variables(),
                "DLPULSE_NOW": now.isoformat(),
                "GITHUB_TOKEN": TOKEN,
            }
            new = settings.with_suffix(".new")
            new.touch(mode=0o600)
            new.write_text("".join(f"{name}='{value}'\n" for name, value in values.items()), "utf-8")
            new.replace(settings)

        configure(NOW)
        lines = [line.split(maxsplit=5)[5] for line in table.block(home, sys.executable).splitlines()[1:-1]]
        jobs = [f"* * * * * DLPULSE_ENV={settings} {line}" for line in lines]
        daemon("\n".join([f"* * * * * env > {bare}", *jobs]) + "\n")
        until(lambda: "collect --due: exit 0" in _reads(log), "the first collection", log)
        world.at(NOW + timedelta(days=1))
        configure(NOW + timedelta(days=1))
        until(lambda: len(days_read(home)) == 2, "a published second collection", log)
    assert days_read(home) == [NOW.date(), NOW.date() + timedelta(days=1)]

    # The last day's build may have read a part of its collection alone; the first day is whole.
    with duckdb.connect(str(home / "dlpulse.duckdb"), read_only=True) as published:
        stars = "select distinct framework_id from fct_stars where source = 'github' and estimator = 'retained'"
        assert len(published.execute(stars).fetchall()) >= 11
    until(lambda: "status: exit" in _reads(log), "a look at the status", log)
    told = _reads(log)
    assert "build: exit 0\npublished" in told
    assert "Traceback" not in told

    # cron gives a command next to nothing, and neither log holds the token.
    names = {line.partition("=")[0] for line in _reads(bare).splitlines()}
    assert "PATH" in names and not names & {"VIRTUAL_ENV", "GITHUB_TOKEN", "DLPULSE_HOME"}
    events = [json.loads(line) for line in _reads(home / "logs" / "dlpulse.jsonl").splitlines()]
    assert {"collect", "build"} <= {event["command"] for event in events}
    assert all(event["run"] and event["at"] for event in events)
    assert TOKEN not in told and not any(TOKEN in json.dumps(event) for event in events)


def days_read(home: Path) -> list[datetime]:
    """The days on which the published database has records of repositories."""
    try:
        with duckdb.connect(str(home / "dlpulse.duckdb"), read_only=True) as published:
            return [
                day for (day,) in published.execute("select distinct day from fct_repo_days order by day").fetchall()
            ]
    except duckdb.Error:  # not there yet, or just replaced
        return []
