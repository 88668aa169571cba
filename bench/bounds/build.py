"""Finds the machine's C compiler and builds this package's programs with it, each once per source and processor."""

from __future__ import annotations

import hashlib
import os
import platform
import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.device import without_paths
from warehouse.errors import DlpulseError

SOURCES = Path(__file__).resolve().parent
_COMPILERS = ("cc", "gcc", "clang")
# No -ffast-math: the vectors are written out, so the compiler need not reorder sums to find them, and what is checked
# against numpy stays the same arithmetic on every compiler. a * b + c becomes one instruction by GNU C's own rules.
FLAGS = ("-std=gnu11", "-O3", "-pthread")
_CPUINFO = Path("/proc/cpuinfo")
_TIMEOUT_S = 120.0


@dataclass(frozen=True)
class Toolchain:
    """A C compiler that works here: how it is called, its first line of `--version`, and the flags for this machine."""

    command: tuple[str, ...]
    version: str
    flags: tuple[str, ...]


def find_toolchain(variables: Mapping[str, str]) -> Toolchain:
    """Return the compiler that CC names, or else the first of cc, gcc and clang.

    Raises:
        DlpulseError: when there is none, or it does not answer.
    """
    candidates = [_words(variables["CC"])] if variables.get("CC") else [[name] for name in _COMPILERS]
    for command in candidates:
        if command and shutil.which(command[0], path=variables.get("PATH")):
            return Toolchain(tuple(command), _version(command), (*FLAGS, _native()))
    # What is told here is stored: names of programs, no folders.
    looked_for = ", ".join(Path(command[0]).name for command in candidates if command) or "CC"
    raise DlpulseError(f"no C compiler here (looked for {looked_for}; CC may name one)")


def _words(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError as error:
        raise DlpulseError(f"no C compiler here (CC cannot be read: {error})") from None


def build(toolchain: Toolchain, sources: Sequence[str], folder: Path, flags: Sequence[str] = ()) -> Path:
    """Compile this package's `sources` into `folder` and return the program; an earlier build of the same is taken.

    The first source names the program; headers are sources too, so that a change in one is seen.

    Raises:
        DlpulseError: when the compiler refuses; with its first error.
    """
    text = "\0".join((SOURCES / source).read_text("utf-8") for source in sources)
    used = (*toolchain.flags, *flags)
    identity = "\0".join((text, *toolchain.command, toolchain.version, *used, _processor()))
    program = folder / f"{Path(sources[0]).stem}-{hashlib.sha256(identity.encode()).hexdigest()[:16]}"
    if program.is_file():
        return program
    folder.mkdir(parents=True, exist_ok=True)
    # Built aside and renamed: two runs at once, or one that is killed, never leave half a program.
    unfinished = program.with_name(f"{program.name}.{os.getpid()}")
    try:
        units = [str(SOURCES / source) for source in sources if source.endswith(".c")]
        _compile((*toolchain.command, *used, *units, "-o", str(unfinished), "-lm"), sources[0])
        unfinished.replace(program)
    finally:
        unfinished.unlink(missing_ok=True)
    return program


def _compile(command: Sequence[str], source: str) -> None:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False, cwd=SOURCES,
            env={**os.environ, "LC_ALL": "C"},
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise DlpulseError(f"{source}: {Path(command[0]).name} did not end within {_TIMEOUT_S:.0f} s") from None
    except OSError as error:
        raise DlpulseError(f"{source}: {Path(command[0]).name} cannot be run: {error.strerror}") from None
    if done.returncode:
        lines = done.stderr.strip().splitlines()
        told = next((line for line in lines if "error" in line), (lines or ["no reason given"])[-1])
        where = without_paths(told.replace(f"{SOURCES}/", "")).strip()[:300]
        raise DlpulseError(f"{source}: the compiler {Path(command[0]).name} failed: {where}")


def _version(command: Sequence[str]) -> str:
    try:
        done = subprocess.run(
            [*command, "--version"], capture_output=True, text=True, timeout=20, check=True,
            env={**os.environ, "LC_ALL": "C"},
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        raise DlpulseError(f"no C compiler here ({Path(command[0]).name} does not answer --version)") from None
    return without_paths((done.stdout.strip().splitlines() or ["unknown"])[0])


def _native() -> str:
    """Return the flag for this machine's own vectors; on ARM -march=native names the architecture alone, if at all."""
    return "-march=native" if platform.machine().lower() in {"x86_64", "amd64", "i686"} else "-mcpu=native"


def _processor() -> str:
    """Return what a native build depends on: a home may be shared by machines that are not alike."""
    try:
        lines = _CPUINFO.read_text("utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    features = next((line for line in lines if line.startswith(("flags", "Features"))), "")
    return " ".join((platform.system(), platform.machine(), platform.processor(), features))
