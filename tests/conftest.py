"""Fixtures for all tests: the recorded data, and dlpulse as a real process in a home of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import hypothesis
import pytest
from filelock import FileLock

from warehouse import parsed

ROOT = Path(__file__).resolve().parent.parent
NOWHERE = "http://127.0.0.1:9"
SOURCE_ADDRESSES = (
    "RANKING_BASE", "GHARCHIVE_BASE", "PYPISTATS_API", "CONDA_BASE", "STACKEXCHANGE_API", "SURVEY_BASE",
)  # fmt: skip
Dlpulse = Callable[..., subprocess.CompletedProcess[str]]
LONGEST = (
    *("test_run.py", "dashboards/test_dashboard_browser.py", "warehouse/test_operator.py", "bench/test_runner.py"),
    *("dashboards/test_dashboard_pages.py", "dashboards/test_dashboard_report.py", "warehouse/test_soak.py"),
    *("warehouse/test_as_of_random.py", "warehouse/test_kills.py"),
    *("warehouse/test_concurrency.py", "warehouse/test_build_troubles.py", "warehouse/test_build.py"),
    *("warehouse/test_as_of.py", "warehouse/test_growth.py", "warehouse/test_queries.py", "bench/test_engines.py"),
)
"""The files that take a minute and more, the longest first."""


# The tests start a thousand processes of dlpulse: each would compile its modules anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# Tests assert nothing of time, and hypothesis would: 200 ms an example.
hypothesis.settings.register_profile("dlpulse", deadline=None)
hypothesis.settings.load_profile("dlpulse")


def pytest_configure() -> None:
    """Let Ctrl-C be heard: a job in the background of a shell ignores it, and so would every process started here."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start with the longest files: begun last, one of them would run alone at the end."""
    place = {ROOT / "tests" / file: number for number, file in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.path, len(place)))


@pytest.fixture(scope="session", autouse=True)
def parsed_project(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Let dbt parse the models once for all the homes that the tests build, which is a third of a first build."""
    folder = for_all_workers(tmp_path_factory)
    project, made = ROOT / "warehouse" / "dbt", folder / "dbt" / "partial_parse.msgpack"
    with FileLock(folder / "dbt.lock"):
        if not made.exists():
            command = [str(Path(sys.executable).with_name("dbt")), "parse", "--no-version-check", "--log-level", "warn"]
            command += ["--project-dir", str(project), "--profiles-dir", str(project)]
            command += ["--target-path", str(made.parent), "--log-path", str(made.parent)]
            where = {"DLPULSE_PARSED": f"parsed/{parsed.version()}", "DBT_WRITE_JSON": "false", "DO_NOT_TRACK": "1"}
            ran = subprocess.run(
                command, env=os.environ | where, cwd=folder, check=False, capture_output=True, text=True
            )
            assert ran.returncode == 0, ran.stdout
    os.environ["DBT_PARTIAL_PARSE_FILE_PATH"] = str(made)


def for_all_workers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all of pytest-xdist's processes share."""
    folder = tmp_path_factory.getbasetemp()
    return folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder


@pytest.fixture(scope="session")
def cited_home(tmp_path_factory: pytest.TempPathFactory, parsed_project: None) -> Path:
    """A home with a database of the cited facts, built once for all: to be looked at, or copied and changed."""
    folder = for_all_workers(tmp_path_factory)
    home = folder / "cited" / "home"
    with FileLock(folder / "cited.lock"):
        if not (home / "dlpulse.duckdb").exists():
            command = [sys.executable, "-m", "dlpulse", "build"]
            subprocess.run(command, env=environment(home), check=True, capture_output=True, timeout=300)
    return home


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
        "DLPULSE_CRON_JITTER": "0",
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
