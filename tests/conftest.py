"""Fixtures for all tests: the recorded data, and dlpulse as a real process in a home of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
NOWHERE = "http://127.0.0.1:9"
SOURCE_ADDRESSES = (
    "RANKING_BASE", "GHARCHIVE_BASE", "PYPISTATS_API", "CONDA_BASE", "STACKEXCHANGE_API", "SURVEY_BASE",
)  # fmt: skip
Dlpulse = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of recorded answers beside the checkout; without it, tests fail in CI and skip elsewhere."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        message = f"the recorded data are missing: expected {folder}"
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
    return folder


def environment(home: Path, **more: str) -> dict[str, str]:
    """A process environment without the user's own settings; every source points where nothing listens."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("DLPULSE_", "GITHUB_"))}
    return clean | {
        "DLPULSE_HOME": str(home),
        "DLPULSE_GITHUB_API": NOWHERE,
        "DLPULSE_ARXIV_API": f"{NOWHERE}/api/query",
        "DLPULSE_CLICKHOUSE_URL": f"{NOWHERE}/?user=nobody",
        **{f"DLPULSE_{name}": NOWHERE for name in SOURCE_ADDRESSES},
        "DLPULSE_ARXIV_DELAY": "0",
        "DLPULSE_BACKOFF": "0.05",
        "DLPULSE_RETRIES": "2",
        "DLPULSE_TIMEOUT": "5",
        "DLPULSE_MAX_WAIT": "2",
        "COLUMNS": "120",
        **more,
    }


@pytest.fixture
def dlpulse(tmp_path: Path) -> Dlpulse:
    """Run `dlpulse …` as a process with `tmp_path/home` as its home; keyword arguments are environment variables."""

    def call(*arguments: str, stdin: str | None = None, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "dlpulse", *arguments],
            env=environment(tmp_path / "home", **variables),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=500,
            check=False,
        )

    return call
