"""Every command on a disk that is full: one line that says so and names the file, and nothing half left."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import environment

FULL = "No space left on device"


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder on a disk of its own, on which no byte is free."""
    disk = tmp_path_factory.mktemp("full")
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
    if os.geteuid() != 0 or shutil.which("mount") is None or subprocess.run(mount, check=False).returncode:
        pytest.skip("this machine lets nobody mount a disk here")
    try:
        (disk / "home").mkdir()
        with pytest.raises(OSError, match=FULL), (disk / "all").open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))
        yield disk
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def dlpulse(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command with its home there; it ends without a Python traceback."""
    command = [sys.executable, "-m", "dlpulse", *arguments]
    done = subprocess.run(command, env=environment(home), capture_output=True, text=True, check=False, timeout=300)
    assert "Traceback" not in done.stderr
    return done


@pytest.mark.parametrize(
    "arguments",
    [
        ["collect", "surveys"],
        ["build"],
        ["bench", "run", "--quick", "--engine", "pytorch"],
    ],
    ids=" ".join,
)
def test_a_home_on_a_full_disk_is_one_line(full: Path, arguments: list[str]) -> None:
    done = dlpulse(full / "home", *arguments)
    assert done.returncode == 1
    (told,) = [line for line in done.stderr.splitlines() if FULL in line]
    assert "cannot write" in told
    assert str(full) in told
    assert not [path for path in (full / "home").rglob("*") if path.is_file() and path.stat().st_size]


@pytest.mark.parametrize("command", ["report", "export"])
def test_what_is_written_elsewhere_leaves_nothing_half(full: Path, cited_home: Path, command: str) -> None:
    done = dlpulse(cited_home, command, str(full / "out"))
    assert (done.returncode, done.stderr) == (1, f"dlpulse: cannot write {full}/out: {FULL}\n")
    assert sorted(path.name for path in full.iterdir()) == ["all", "home"]


def test_the_status_says_that_the_next_build_finds_no_room(full: Path) -> None:
    done = dlpulse(full / "home", "status")
    assert done.returncode == 1
    assert "the disk is nearly full: a build needs 256.0 MiB" in done.stderr
