"""The file of a part of the raw archive: its format, its columns, and how it is opened. Knows nothing of its name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from warehouse.errors import DlpulseError

# Raised when an older dlpulse could no longer read right what a newer one writes; it then refuses to.
FORMAT_VERSION = 1
REMEDY = "put a sound copy over it, or move it away (`dlpulse raw verify --quarantine`) and build again"
SCHEMA = pa.schema(
    [
        pa.field("response_id", pa.string(), nullable=False),
        ("run_id", pa.string()),
        ("source", pa.string()),
        ("subject", pa.string()),
        ("url", pa.string()),
        ("params", pa.string()),
        ("status", pa.int32()),
        ("etag", pa.string()),
        ("revalidates", pa.string()),
        ("fetched_at", pa.timestamp("us")),
        ("collector_version", pa.string()),
        ("format_version", pa.int32()),
        ("body_sha256", pa.string()),
        ("body", pa.large_binary()),
    ]
)


@contextmanager
def readable(part: Path) -> Iterator[None]:
    """Turn what a damaged part raises into a DlpulseError that names it; FileNotFoundError stays itself."""
    try:
        yield
    except FileNotFoundError:
        raise
    except (pa.ArrowException, OSError, KeyError, TypeError, ValueError) as error:
        told = " ".join(str(error).split())
        raise DlpulseError(f"raw part {part} cannot be read ({told}); {REMEDY}") from error


@contextmanager
def opened(part: Path) -> Iterator[pq.ParquetFile]:
    """Open a part for reading, pages checked.

    Raises:
        DlpulseError: it is damaged, or of a format that this version does not know, told by its footer.
        FileNotFoundError: it is gone.
    """
    with readable(part), pq.ParquetFile(part, page_checksum_verification=True, pre_buffer=False) as file:
        if (newest := _newest_format(file)) > FORMAT_VERSION:
            raise NewerFormat(
                f"raw part {part} was written by a newer dlpulse (format {newest} of the archive, and this one knows "
                f"{FORMAT_VERSION}): upgrade this one"
            )
        yield file


class NewerFormat(DlpulseError):
    """The part is sound, but not for this version to read."""


def _newest_format(file: pq.ParquetFile) -> int:
    """Return the newest format of a part's rows, by its statistics; early parts have none: there the column is read."""
    column = file.schema_arrow.get_field_index("format_version")
    if column < 0:
        return FORMAT_VERSION
    told = [file.metadata.row_group(group).column(column).statistics for group in range(file.num_row_groups)]
    if all(one and one.has_min_max for one in told):
        return max((int(one.max) for one in told), default=FORMAT_VERSION)
    return int(pc.max(file.read(columns=["format_version"])["format_version"]).as_py() or FORMAT_VERSION)
