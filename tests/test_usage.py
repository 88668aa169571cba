"""Wrong usage, and readers that go away: one clear line, or none."""

from __future__ import annotations

import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest

import dlpulse as command_line
from tests.conftest import Dlpulse, environment
from warehouse.raw import Archive


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("colect",), "dlpulse: no such command 'colect'; did you mean 'collect'? (see `dlpulse --help`)"),
        (("raw", "shwo"), "dlpulse raw: no such command 'shwo'; did you mean 'show'? (see `dlpulse raw --help`)"),
        (("collect", "starz"), "dlpulse: unknown source 'starz'; did you mean stars?"),
        (
            ("bench", "run", "--budget", "x"),
            "dlpulse bench run: --budget x: expected a number (see `dlpulse bench run --help`)",
        ),
        (
            ("bench", "run", "--batch-size", "1.5"),
            "dlpulse bench run: --batch-size 1.5: expected a whole number (see `dlpulse bench run --help`)",
        ),
        (("sql", "--timeout", "x"), "dlpulse sql: --timeout x: expected a number (see `dlpulse sql --help`)"),
        (("sql", "--timeout", "0"), "dlpulse sql: --timeout 0: expected 0.1 or more (see `dlpulse sql --help`)"),
        (
            ("sql", "--format", "xml"),
            "dlpulse sql: --format xml: expected table, csv, json, md or parquet (see `dlpulse sql --help`)",
        ),
        (
            ("sql", "--formta", "csv"),
            "dlpulse sql: there is no option --formta; did you mean --format? (see `dlpulse sql --help`)",
        ),
        (("--home", "raw", "sql", "--query"), "dlpulse sql: --query: expected NAME (see `dlpulse sql --help`)"),
        (("sql", "--tables=x"), "dlpulse sql: --tables: expected no value (see `dlpulse sql --help`)"),
        (
            ("sql", "select", "1\n2"),
            "dlpulse sql: not expected: 1\\x0a2; text with blanks needs quotes around it (see `dlpulse sql --help`)",
        ),
        (("build", "now"), "dlpulse build: not expected: now (see `dlpulse build --help`)"),
        (
            ("import",),
            "dlpulse import: expected KIND: arxiv-snapshot, gharchive, survey (see `dlpulse import --help`)",
        ),
        (
            ("export",),
            "dlpulse export: expected DIR: A new or empty folder, or an earlier export (see `dlpulse export --help`)",
        ),
    ],
)
def test_wrong_usage_is_one_line_that_says_what_was_expected(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    arguments: tuple[str, ...],
    line: str,
) -> None:
    monkeypatch.setenv("DLPULSE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(sys, "argv", ["dlpulse", *arguments])
    monkeypatch.setattr(command_line.signal, "signal", lambda *_: None)
    with pytest.raises(SystemExit) as ended:
        command_line.main()
    assert (ended.value.code, *capsys.readouterr()) == (2, "", f"{line}\n")


def test_a_wrong_value_of_the_environment_is_named_by_its_variable(dlpulse: Dlpulse) -> None:
    told = dlpulse("status", DLPULSE_TIMEOUT="x")
    assert (told.returncode, told.stdout) == (2, "")
    assert told.stderr == "dlpulse: DLPULSE_TIMEOUT=x: expected a number (see `dlpulse --help`)\n"


def test_a_command_of_commands_alone_shows_its_help(dlpulse: Dlpulse) -> None:
    told = dlpulse("raw")
    assert (told.returncode, told.stderr) == (2, "")
    assert "Usage: dlpulse raw" in told.stdout


def gone(home: Path, *arguments: str, stderr: str = "") -> subprocess.CompletedProcess[bytes]:
    """The command with an output whose reader has gone before it writes."""
    command = [
        "bash",
        "-c",
        f'exec 3>&1; {{ sleep 0.2; "$@" {stderr}; echo $? >&3; }} | true',
        "bash",
        sys.executable,
        "-m",
        "dlpulse",
        *arguments,
    ]
    return subprocess.run(command, env=environment(home), capture_output=True, timeout=120, check=False)


@pytest.mark.parametrize(
    "arguments",
    [
        ("--help",),
        ("--version",),
        ("sql", "--queries"),
        ("sql", "--queries", "--format", "csv"),
        ("sql", "--queries", "--format", "parquet"),
    ],
)
def test_a_reader_that_has_gone_is_a_clean_end(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    told = gone(tmp_path / "home", *arguments)
    assert (told.stdout, told.stderr) == (b"0\n", b"")


def test_a_body_that_is_not_read_to_its_end_is_a_clean_end(tmp_path: Path) -> None:
    with Archive(tmp_path / "home" / "raw").start("stars", lambda: datetime(2026, 11, 23)) as run:
        answer = run.write("a/b", b"x" * 1_000_000, status=200)
    command = ["bash", "-c", 'set -o pipefail; "$@" | head -c 1', "bash", sys.executable, "-m", "dlpulse"]
    command += ["raw", "show", answer.response_id]
    told = subprocess.run(command, env=environment(tmp_path / "home"), capture_output=True, timeout=120, check=False)
    assert (told.returncode, told.stdout, told.stderr) == (0, b"x", b"")


def test_wrong_usage_that_nobody_reads_is_still_wrong_usage(tmp_path: Path) -> None:
    assert gone(tmp_path / "home", "colect", stderr="2>&1").stdout == b"2\n"
