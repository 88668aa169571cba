"""The schedule: each line is a real command; the wrapper is silent when well and loud when not."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.conftest import NOWHERE, ROOT, environment

LINE = re.compile(r"(?:\S+\s+){5}@DLPULSE@/cron/run\.sh (?P<command>.+)")


def schedule() -> list[str]:
    lines = (ROOT / "cron" / "crontab").read_text().splitlines()
    jobs = [line for line in lines if line and not line.startswith("#")]
    matches = [LINE.fullmatch(line) for line in jobs]
    assert all(matches), jobs
    return [match["command"] for match in matches if match]


def wrapper(home: Path, *arguments: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run the wrapper as cron does: nearly no environment, and dlpulse's own Python found by its PATH."""
    bare = {name: value for name, value in environment(home).items() if name.startswith("DLPULSE_")} | dict(env or {})
    return subprocess.run(
        [str(ROOT / "cron" / "run.sh"), *arguments],
        env=bare | {"HOME": str(home), "PATH": "/usr/bin:/bin"},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_line_of_the_crontab_is_a_real_command() -> None:
    assert schedule()
    for command in schedule():
        name, *options = command.split()
        shown = subprocess.run(
            [sys.executable, "-m", "dlpulse", name, "--help"],
            capture_output=True,
            text=True,
            check=True,
            env=os.environ,
        )
        assert all(option in shown.stdout for option in options if option.startswith("-")), command


needs_venv = pytest.mark.skipif(not (ROOT / ".venv" / "bin" / "python").exists(), reason="needs `make setup`")


@needs_venv
def test_the_wrapper_is_silent_when_all_is_well(tmp_path: Path) -> None:
    home = tmp_path / "home"
    result = wrapper(home, "build")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert "build: exit 0\npublished" in (home / "logs" / "cron.log").read_text()


@needs_venv
def test_the_wrapper_prints_output_and_exit_code_when_not(tmp_path: Path) -> None:
    result = wrapper(tmp_path / "home", "collect", "--due", "stars")
    assert result.returncode == 1
    assert NOWHERE.removeprefix("http://") in result.stdout
    assert "collect --due stars: exit 1" in (tmp_path / "home" / "logs" / "cron.log").read_text()


@needs_venv
def test_a_command_that_still_runs_is_not_started_again(tmp_path: Path) -> None:
    from filelock import FileLock

    (tmp_path / "home" / "locks").mkdir(parents=True)
    with FileLock(tmp_path / "home" / "locks" / "cron-build.lock"):
        result = wrapper(tmp_path / "home", "build")
    assert (result.returncode, result.stdout) == (0, "")
    assert "still running" in (tmp_path / "home" / "logs" / "cron.log").read_text()
