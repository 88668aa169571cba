"""What matrix files left in the cache: listed and removed by `dlpulse bench stacks`, never while it is being made."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import filelock
import pytest

from bench import stackcache
from tests.conftest import Dlpulse
from warehouse.errors import DlpulseError

MADE, HALF = "0123456789abcdef", "fedcba9876543210"


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """Two environments, one of them half made, as `stacks.prepare` leaves them: 2 MB and 1 MB."""
    folder = tmp_path / "home" / "cache" / "stacks"
    for name, size in ((MADE, 2_000_000), (HALF, 1_000_000)):
        (folder / name / "bin").mkdir(parents=True)
        (folder / name / "bin" / "python").symlink_to(sys.executable)
        (folder / name / "library.so").write_bytes(bytes(size))
        (folder / f"{name}.log").write_text("pip\n", "utf-8")
        (folder / f"{name}.lock").touch()
    (folder / "code-0123").mkdir()
    (folder / MADE / "ready.json").write_text(json.dumps({"packages": ["jax==0.7.2", "jaxlib==0.7.2"]}), "utf-8")
    return folder


def test_the_environments_are_listed_with_state_size_and_pins(dlpulse: Dlpulse, cache: Path) -> None:
    shown = dlpulse("bench", "stacks", COLUMNS="80").stdout
    assert [line.split() for line in shown.splitlines()] == [
        ["name", "state", "size", "packages"],
        [MADE, "ready", "2", "MB", "jax==0.7.2"],
        ["jaxlib==0.7.2"],
        [HALF, "not", "finished", "1", "MB"],
        ["3", "MB", "in", "all;", "remove", "with", "--remove", "NAME", "or", "--remove-all"],
    ]


def test_one_is_removed_with_its_log_and_the_rest_stays(dlpulse: Dlpulse, cache: Path) -> None:
    assert dlpulse("bench", "stacks", "--remove", MADE).stdout == f"{MADE}: removed, 2 MB freed\n"
    assert not (cache / MADE).exists()
    assert sorted(path.name for path in cache.glob("*.log")) == [f"{HALF}.log"]
    assert [one.name for one in stackcache.environments(cache)] == [HALF]


def test_all_are_removed_and_then_there_are_none(dlpulse: Dlpulse, cache: Path) -> None:
    assert dlpulse("bench", "stacks", "--remove-all").stdout == "all removed, 3 MB freed\n"
    assert not cache.exists()
    none = "no environments: `dlpulse bench run --matrix FILE` makes them\n"
    assert dlpulse("bench", "stacks").stdout == none


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (("--remove", MADE, "--remove-all"), "--remove excludes --remove-all"),
        (("--remove", f"{MADE}0"), f"no environment '{MADE}0'; did you mean {MADE}?"),
        (("--remove", ".."), f"no environment '..'; known: {MADE}, {HALF}"),
    ],
)
def test_a_bad_wish_removes_nothing(dlpulse: Dlpulse, cache: Path, options: tuple[str, ...], line: str) -> None:
    done = dlpulse("bench", "stacks", *options)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"dlpulse: {line}\n")
    assert len(stackcache.environments(cache)) == 2


def test_one_that_is_being_made_stays(cache: Path) -> None:
    with (
        filelock.FileLock(cache / f"{HALF}.lock"),
        pytest.raises(DlpulseError, match=f"^environment {HALF} is being made just now; try again when that has ended"),
    ):
        stackcache.remove(cache, HALF)
    assert (cache / HALF / "library.so").exists()


@pytest.mark.parametrize("options", [("--remove", MADE), ("--remove-all",)])
def test_none_is_removed_while_a_benchmark_runs_and_they_are_listed_all_the_same(
    dlpulse: Dlpulse, cache: Path, options: tuple[str, ...]
) -> None:
    with filelock.FileLock(cache.parents[1] / "bench.lock"):
        done = dlpulse("bench", "stacks", *options)
        assert dlpulse("bench", "stacks").stdout.count(" MB") == 3
    line = "dlpulse: a benchmark is running, perhaps from these environments; try again when it has ended\n"
    assert (done.returncode, done.stdout, done.stderr) == (1, "", line)
    assert len(stackcache.environments(cache)) == 2


def test_a_link_counts_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.so").write_bytes(bytes(1000))
    (tmp_path / "link.so").symlink_to(tmp_path / "a.so")
    assert stackcache.size(tmp_path) == 1000
