"""A build that cannot: too little room, a home that cannot be written, another build; and a home with an odd name."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from filelock import FileLock

from tests.conftest import environment
from tests.warehouse.test_build import REGISTRY
from tests.warehouse.wholeness import by_command_line, by_python
from warehouse import build as builder
from warehouse import registry
from warehouse.errors import DlpulseError
from warehouse.raw import Archive
from warehouse.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "one.toml").write_text(REGISTRY)
    return Settings(home=tmp_path / "home", raw=tmp_path / "home" / "raw", registry_file=tmp_path / "one.toml")


def build(settings: Settings, largest_file: int | None = None) -> subprocess.CompletedProcess[str]:
    """Run `dlpulse build`, which may write no file of more bytes than `largest_file`."""

    def limit() -> None:
        if largest_file is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))

    return subprocess.run(
        [sys.executable, "-m", "dlpulse", "build"],
        env=environment(settings.home, DLPULSE_REGISTRY=str(settings.registry_file)),
        preexec_fn=limit,
        capture_output=True,
        text=True,
        check=False,
    )


def refused(told: subprocess.CompletedProcess[str]) -> str:
    """The one line of a build that ended with 1."""
    assert (told.returncode, told.stdout) == (1, "")
    (line,) = told.stderr.splitlines()
    return line


def test_without_room_for_a_file_at_any_stage_one_line_says_so_and_the_published_file_stays(settings: Settings) -> None:
    assert build(settings).returncode == 0
    before = settings.database.read_bytes()
    for largest in (3_000, len(before) // 2, len(before) - 8_192):
        line = refused(build(settings, largest))
        assert line.startswith(
            ("dlpulse: cannot write ", "dlpulse: cannot build in ", "dlpulse: nothing was published")
        )
        assert "File too large" in line
        assert settings.database.read_bytes() == before
    assert build(settings).returncode == 0


@pytest.fixture
def read_only(settings: Settings) -> Iterator[Settings]:
    """A home on a disk that can only be read."""
    settings.home.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", str(settings.home)]
    if os.geteuid() != 0 or shutil.which("mount") is None or subprocess.run(mount, check=False).returncode:
        pytest.skip("this machine lets nobody mount a disk here")
    yield settings
    subprocess.run(["umount", str(settings.home)], check=True)


def test_a_home_that_can_only_be_read_is_one_line(read_only: Settings) -> None:
    assert refused(build(read_only)) == f"dlpulse: cannot build in {read_only.home}: Read-only file system"


def test_a_home_with_blanks_quotes_braces_and_letters_of_any_script_builds(settings: Settings, tmp_path: Path) -> None:
    home = tmp_path / 'it\'s "my" {home}; ünï 深度 % $HOME'
    odd = Settings(home=home, raw=home / "raw", registry_file=settings.registry_file)
    told = build(odd)
    assert told.returncode == 0, told.stderr
    assert by_python(odd.database) == by_command_line(odd.database) == 0


def test_a_second_builder_gives_up_in_one_line_and_the_lock_of_one_that_ended_holds_nobody(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert builder.LOCK_WAIT_SECONDS == 60
    monkeypatch.setattr(builder, "LOCK_WAIT_SECONDS", 0.5)
    settings.home.mkdir()
    with FileLock(settings.home / "build.lock"):
        began = time.monotonic()
        with pytest.raises(DlpulseError, match=r"^another build of .*home is running for more than 0\.5 s$"):
            builder.build(settings, registry.load(settings))
        assert time.monotonic() - began >= 0.5
    assert (settings.home / "build.lock").exists()
    builder.build(settings, registry.load(settings))


def test_a_damaged_part_is_put_aside_and_the_rest_builds(settings: Settings) -> None:
    archive = Archive(settings.raw)
    for day in (1, 2):
        with archive.start("stars", lambda day=day: datetime(2026, 11, day)) as run:
            run.write("a/b", b"{}", status=200)
    cut, sound = archive.parts()
    whole = cut.read_bytes()
    cut.write_bytes(whole[:-9])
    assert refused(build(settings)).startswith(f"dlpulse: raw part {cut} cannot be read (")
    command = [sys.executable, "-m", "dlpulse", "raw", "verify"]
    variables = environment(settings.home)
    assert subprocess.run(command, env=variables, capture_output=True, check=False).returncode == 1
    assert archive.parts() == [cut, sound], "nothing is moved unless told"
    told = subprocess.run([*command, "--quarantine"], env=variables, capture_output=True, text=True, check=False)
    aside = settings.home / "quarantine" / "source=stars" / cut.name
    assert told.returncode == 1
    assert f"dlpulse: moved to {aside}\n" in told.stderr
    assert (aside.read_bytes(), archive.parts()) == (whole[:-9], [sound])
    cut.write_bytes(whole[:-9])
    told = subprocess.run([*command, "--quarantine"], env=variables, capture_output=True, text=True, check=False)
    assert "cannot be read" in told.stderr and f"dlpulse: {aside} is there already: move it away first\n" in told.stderr
    assert archive.parts() == [cut, sound]
    cut.unlink()
    assert build(settings).returncode == 0
    assert subprocess.run(command, env=variables, capture_output=True, check=False).returncode == 0


def test_a_part_cut_short_after_it_was_parsed_is_one_warning_line_of_each_build(settings: Settings) -> None:
    archive = Archive(settings.raw)
    for day in (1, 2):
        with archive.start("stars", lambda day=day: datetime(2026, 11, day)) as run:
            run.write("a/b", b"{}", status=200)
    assert build(settings).returncode == 0
    first, second = archive.parts()
    whole = first.read_bytes()
    for cut in ([first], [first, second]):
        for part in cut:
            part.write_bytes(part.read_bytes()[:-9])
        told = build(settings)
        assert told.returncode == 0
        (line,) = told.stderr.splitlines()
        more = "" if len(cut) == 1 else " (and 1 more)"
        assert line == (
            f"dlpulse: raw part {first} is damaged{more}; the build goes on with what was parsed of it before. "
            "Leave it in place and put a sound copy over it; `dlpulse raw verify` names all that is damaged"
        )
        assert "(0 new of 2 raw parts)" in told.stdout
    shutil.rmtree(settings.home / "parsed")
    first.write_bytes(whole)
    assert refused(build(settings)).startswith(f"dlpulse: raw part {second} cannot be read (")


def test_a_parsed_file_damaged_within_is_named_with_what_to_do_and_the_published_file_stays(settings: Settings) -> None:
    with Archive(settings.raw).start("stars", lambda: datetime(2026, 11, 1)) as run:
        run.write("a/b", b"{}", status=200)
    assert build(settings).returncode == 0
    before = settings.database.read_bytes()
    (file,) = settings.home.glob("parsed/*/runs/stars*.parquet")
    body = bytearray(file.read_bytes())
    body[60:400] = bytes(255 - byte for byte in body[60:400])
    file.write_bytes(body)
    assert refused(build(settings)) == (
        f"dlpulse: nothing was published: {file} is damaged; "
        f"delete the folder {settings.home / 'parsed'}; `dlpulse build` makes it again"
    )
    assert settings.database.read_bytes() == before


@pytest.mark.long
def test_a_second_builder_waits_a_minute_and_ends_with_1(settings: Settings) -> None:
    settings.home.mkdir()
    with FileLock(settings.home / "build.lock"):
        began = time.monotonic()
        told = build(settings)
        assert time.monotonic() - began >= 60
    assert (told.returncode, told.stdout) == (1, "")
    assert told.stderr.splitlines() == [
        "dlpulse: waiting for the build that is running",
        f"dlpulse: another build of {settings.home} is running for more than 60 s",
    ]
