"""Puts a new folder in the place of an old one: who looks sees the old one or the new one, never a part."""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex

from filelock import FileLock, Timeout

from warehouse.errors import BadInputError, DlpulseError
from warehouse.files import sync_folder

_MARK = ".dlpulse-export"
_YOUNG_SECONDS = 60.0
# What systems put into every folder that they show.
_NOT_THE_USERS = (".DS_Store",)
_AT_FDCWD = -100
_EXCHANGE = 2  # RENAME_EXCHANGE of Linux's renameat2 and RENAME_SWAP of macOS' renamex_np alike
_CANNOT_EXCHANGE = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP)


def resolved(folder: Path, kind: str) -> Path:
    """Return the absolute path; refuse the working folder, which a shell would go on seeing as it was before.

    `kind` is what is to be written there, in a word.

    Raises:
        BadInputError: for the working folder and for one that holds it.
    """
    try:
        working = Path.cwd()
    except FileNotFoundError:
        working = None
    if working is None and not folder.expanduser().is_absolute():
        raise BadInputError(f"DIR {folder}: the folder that you are in was removed; go to another")
    found = folder.expanduser().resolve()
    if working is not None and working.is_relative_to(found):
        raise BadInputError(
            f"DIR {str(folder)!r} is the folder that you are in, or holds it; name a new or empty folder, "
            f"or an earlier {kind}"
        )
    return found


def refuse_other(folder: Path, kind: str, written: Callable[[Path], set[str]]) -> None:
    """Raise BadInputError unless `folder` is absent, empty, or an earlier `kind` to which nobody added a file.

    `written` tells which files the earlier one wrote; OSError or ValueError mean that there is none.
    """
    if not folder.exists():
        return
    if not folder.is_dir():
        raise BadInputError(f"{folder} is a file; name a new or empty folder, or an earlier {kind}")
    found = {str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir() or path.is_symlink()}
    found -= set(_NOT_THE_USERS)
    if not found:
        return
    try:
        own = written(folder)
    except (OSError, ValueError):
        raise BadInputError(
            f"{folder} holds {min(found)} and is no earlier {kind}; name a new or empty folder"
        ) from None
    if others := found - own:
        raise BadInputError(f"{folder} holds {min(others)}, which no {kind} wrote; move it away or name another folder")


@contextmanager
def replacing(folder: Path, check: Callable[[], None]) -> Iterator[Path]:
    """Yield an empty folder beside `folder`; when the block ends well it takes its place, and the old one is removed.

    `check` is called before the block and again before the old folder goes; it raises when that must not be removed.
    A killed process leaves a hidden folder, which the next one removes.

    Raises:
        DlpulseError: when the disk is full or the place cannot be written. `folder` is then as it was.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        _clear_leftovers(folder)
        check()
        # The name is chosen before the folder is made, so that Ctrl-C at any moment between finds what to remove.
        work = folder.parent / f".{folder.name}.{token_hex(4)}{_MARK}"
        try:
            work.mkdir()
            with FileLock(work / "lock"):
                new = work / "new"
                new.mkdir()
                yield new
                for path in (*(path for path in new.rglob("*") if path.is_dir()), new):
                    sync_folder(path)
                check()
                _put(new, folder, work / "old")
                sync_folder(folder.parent)
        finally:
            _remove(work)
    except OSError as error:
        raise DlpulseError(f"cannot write {folder}: {error.strerror or error}") from None


def _remove(work: Path) -> None:
    """Remove the folder, also when Ctrl-C comes meanwhile: the interruption goes on after it."""
    try:
        shutil.rmtree(work, ignore_errors=True)
    except KeyboardInterrupt:
        shutil.rmtree(work, ignore_errors=True)
        raise


def _put(new: Path, folder: Path, old: Path) -> None:
    if not folder.exists():
        new.rename(folder)
        return
    if _exchange(new, folder):
        return
    # Where folders cannot change places in one step there is none for an instant; a kill then is mended by
    # `_clear_leftovers`.
    folder.rename(old)
    new.rename(folder)


def _exchange(one: Path, other: Path) -> bool:
    """Let two folders change places in one step; False where the file system cannot."""
    library = ctypes.CDLL(None, use_errno=True)
    first, second = os.fsencode(one), os.fsencode(other)
    if sys.platform == "darwin":
        failed = library.renamex_np(first, second, _EXCHANGE)
    elif hasattr(library, "renameat2"):
        failed = library.renameat2(_AT_FDCWD, first, _AT_FDCWD, second, _EXCHANGE)
    else:
        return False
    code = ctypes.get_errno()
    if failed and code not in _CANNOT_EXCHANGE:
        raise OSError(code, os.strerror(code), str(other))
    return not failed


def _clear_leftovers(folder: Path) -> None:
    """Remove what killed exports left beside `folder`; an old export that a kill took from its place goes back."""
    for left in folder.parent.iterdir():
        if not (left.name.startswith(f".{folder.name}.") and left.name.endswith(_MARK)):
            continue
        with suppress(OSError, Timeout):
            if not (left / "lock").exists() and time.time() - left.stat().st_mtime < _YOUNG_SECONDS:
                continue  # it was made this instant and is about to be locked
            with FileLock(left / "lock", timeout=0):
                if (left / "old").exists() and not folder.exists():
                    (left / "old").rename(folder)
                shutil.rmtree(left, ignore_errors=True)
