"""The environments that stacks of library versions left in the cache: what there is, its size, its removal."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import filelock

from warehouse.errors import BadInputError, DlpulseError, nearest

READY = "ready.json"
"""Written last into an environment: with it, it is whole."""
# Copies of the benchmark's own code, a few kB each; they go with the last environment.
_CODE = "code-"


@dataclass(frozen=True)
class Environment:
    """One environment in the cache: the folder's name, its pins as far as told, its bytes, and whether it is whole."""

    name: str
    packages: tuple[str, ...]
    bytes: int
    ready: bool


def python(home: Path) -> Path:
    """Return an environment's Python."""
    return home / "bin" / "python"


def whole(home: Path) -> bool:
    """Tell whether an environment is whole and the Python it was made of still there."""
    return (home / READY).is_file() and python(home).exists()


def size(folder: Path) -> int:
    """Return how many bytes the files under a folder take."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def mb(count: int) -> str:
    """Return bytes for a person, like `1,500 MB`; never 0 for something."""
    return f"{max(1, round(count / 1e6)) if count else 0:,} MB"


def environments(folder: Path) -> list[Environment]:
    """Return the environments under `folder` by name, the one of pip among them."""
    return [Environment(one.name, _packages(one), size(one), whole(one)) for one in _homes(folder)]


def remove(folder: Path, name: str) -> int:
    """Remove one environment under `folder` and its log; return how many bytes that freed.

    Raises:
        BadInputError: there is none of this name; names the nearest.
        DlpulseError: it is being made just now, or cannot be removed.
    """
    names = [one.name for one in _homes(folder)]
    if name not in names:
        raise BadInputError(f"no environment {name!r}{nearest(name, names) if names else ': there are none'}")
    freed = size(folder / name)
    try:
        # The lock under which it is made stays: another process may be waiting for it.
        with filelock.FileLock(folder / f"{name}.lock", timeout=0):
            shutil.rmtree(folder / name)
            (folder / f"{name}.log").unlink(missing_ok=True)
    except filelock.Timeout:
        raise DlpulseError(f"environment {name} is being made just now; try again when that has ended") from None
    except OSError as error:
        raise DlpulseError(f"environment {name} cannot be removed: {error.strerror or error}") from None
    return freed


def free(folder: Path) -> int:
    """Remove every environment under `folder` and whatever else is there; return how many bytes that freed.

    Raises:
        DlpulseError: as `remove`; what was removed before stays removed.
    """
    before = size(folder)
    for one in _homes(folder):
        remove(folder, one.name)
    shutil.rmtree(folder, ignore_errors=True)
    return before - size(folder)


def _homes(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.is_dir() and not path.name.startswith((_CODE, ".")):
            yield path


def _packages(home: Path) -> tuple[str, ...]:
    try:
        return tuple(json.loads((home / READY).read_text("utf-8")).get("packages", ()))
    except (OSError, ValueError):
        return ()
