"""`dlpulse bench …` as a process: help, plans told before anything runs, and one clear line for a bad option."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Dlpulse

OPTIONS = (
    *("quick", "full", "budget", "engine", "mode", "track", "tuning", "batch-size", "threads", "precision", "dataset"),
    *("device", "launches", "learning", "seed", "matrix", "yes-large", "resume", "dry-run", "format"),
)


def test_the_help_shows_every_option_at_80_columns_and_cuts_nothing(dlpulse: Dlpulse) -> None:
    shown = dlpulse("bench", "run", "--help", COLUMNS="80").stdout
    assert re.findall(r"^│ --([a-z-]+)", shown, re.MULTILINE) == [*OPTIONS, "help"]
    assert "…" not in shown
    assert max(map(len, shown.splitlines())) == 80


def test_a_dry_run_tells_the_plan_and_stores_nothing(dlpulse: Dlpulse, tmp_path: Path) -> None:
    asked = ("--engine", "pytorch", "--mode", "all", "--track", "matched", "--threads", "1", "--launches", "2")
    done = dlpulse("bench", "run", "--dry-run", *asked)
    assert (done.returncode, done.stdout) == (0, "")
    first, second, third = done.stderr.splitlines()
    assert sorted(first.removeprefix("engines: ").split(", ")) == [
        "pytorch channels_last",
        "pytorch compiled",
        "pytorch eager",
    ]
    assert second == (
        "tracks: matched; tunings: stock, tuned; batch sizes: 128; data: digits, float32; device: cpu; threads: 1"
    )
    assert third.startswith("16 launches, the A/A controls' among them, and 0 learning trials: about ")
    assert not (tmp_path / "home" / "raw").exists()


def test_the_engines_are_listed_with_modes_and_installed_versions(dlpulse: Dlpulse) -> None:
    shown = dlpulse("bench", "engines", COLUMNS="140").stdout
    lines = {line.split()[0]: line for line in shown.splitlines() if line.strip() and not line.startswith(" ")}
    assert set(lines) >= {"engine", "keras-tensorflow", "pytorch", "tensorflow", "jax", "keras-torch", "keras-jax"}
    assert "eager: as it comes" in lines["pytorch"]
    assert re.search(r"torch 2\.|pip install 'dlpulse\[bench\]'", lines["pytorch"])


def test_keras_graph_is_told_to_be_without_xla_but_on_the_default_track_beside_a_gpu(dlpulse: Dlpulse) -> None:
    shown = dlpulse("bench", "engines", COLUMNS="200").stdout
    assert "graph: a graph without XLA; on the default track Keras adds XLA by itself beside a GPU" in shown


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--quick", "--full"), "--quick excludes --full and --budget: it has a budget of its own"),
        (("--quick", "--budget", "5"), "--quick excludes --full and --budget: it has a budget of its own"),
        (("--track", "defalt"), "--track defalt: there is no such track; did you mean default?"),
        (("--resume", "last", "--quick"), "--quick cannot go with --resume, which does what its run had planned"),
        (("--matrix", "absent.toml"), "absent.toml: cannot be read: No such file or directory"),
    ],
)
def test_a_bad_option_gets_one_line(dlpulse: Dlpulse, options: tuple[str, ...], message: str) -> None:
    done = dlpulse("bench", "run", *options)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"dlpulse: {message}\n")


@pytest.mark.parametrize(("typed", "agreed"), [("y", "True"), ("n", "False"), ("", "False"), (None, "False")])
def test_consent_is_asked_on_a_terminal_and_taken_from_nobody_else(typed: str | None, agreed: str) -> None:
    ours, theirs = os.openpty()
    script = "from bench.cli import _agree; print(_agree('install stack a?'))"
    stdin = subprocess.DEVNULL if typed is None else theirs
    os.write(ours, f"{typed or ''}\n".encode())
    done = subprocess.run(
        [sys.executable, "-c", script], stdin=stdin, stdout=subprocess.PIPE, stderr=theirs, check=True
    )
    os.close(theirs)
    os.close(ours)
    assert done.stdout == f"{agreed}\n".encode()


def test_nothing_to_resume_is_told(dlpulse: Dlpulse) -> None:
    done = dlpulse("bench", "run", "--resume", "last")
    assert (done.returncode, done.stderr) == (
        1,
        "dlpulse: there is no benchmark run to resume: `dlpulse bench run` starts one\n",
    )
