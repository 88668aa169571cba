"""Files that are whole or absent: written under a temporary name, fsynced, renamed."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from warehouse.errors import DlpulseError


def write_whole(
    path: Path, write: Callable[[BinaryIO], object], *, check: Callable[[Path], object] | None = None
) -> None:
    """Let `write` fill a temporary file and move it to `path`; on failure nothing is left behind.

    With `check` the temporary file, safe on disk, is looked at before it takes its name; what it raises is passed on.

    Raises:
        DlpulseError: when the disk is full or the folder cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        if check:
            check(temporary)
        temporary.replace(path)
        sync_folder(path.parent)
    except BaseException as error:
        with suppress(OSError):
            temporary.unlink()
        if not isinstance(error, OSError):
            raise
        raise DlpulseError(f"cannot write {path}: {error.strerror or error}") from None


def write_parquet(path: Path, table: pa.Table, *, quick: bool = False) -> None:
    """Write one Parquet file, whole or absent; `quick` for one that is soon merged into another: not compressed."""
    how = {"use_dictionary": False, "write_statistics": False} if quick else {}
    kind = "none" if quick else "zstd"
    write_whole(path, lambda file: pq.write_table(table, file, compression=kind, write_page_checksum=True, **how))


def sync_folder(folder: Path) -> None:
    """Make a rename in `folder` durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
