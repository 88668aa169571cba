"""What a monthly file of conda's package data (Parquet) says of some packages."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from collectors.bulk import InputFile

# Raised when the reduction changes: months are read again then.
CONDA_RULES = "1"
_CHECK_SQL = """
select
    count(*),
    count(*) filter (
        where not coalesce(starts_with(time::varchar, $month), false)
            or (pkg_name::varchar in (select unnest($packages)) and not coalesce(counts >= 0, false))
    ),
from read_parquet($path)
"""
_SUMS_SQL = """
select
    pkg_name::varchar,
    data_source::varchar,
    sum(counts)::bigint,
from read_parquet($path)
where pkg_name::varchar in (select unnest($packages))
group by all
order by all
"""


class NotConda(Exception):
    """The file is damaged, or is not that of the month; the message says how."""


def monthly(file: InputFile, month: str, packages: Sequence[str]) -> dict[str, dict[str, int]]:
    """Return the downloads in `month` (YYYY-MM) by package and data source; packages not in the file are left out.

    Raises:
        NotConda: the file is not conda's of that month.
    """
    given = {"path": str(file.path), "packages": list(packages)}
    try:
        with duckdb.connect() as connection:
            total, strange = connection.execute(_CHECK_SQL, {**given, "month": month}).fetchall()[0]
            rows = connection.execute(_SUMS_SQL, given).fetchall()
    except duckdb.Error as error:
        raise NotConda(str(error).splitlines()[0].replace(str(file.path), file.name)) from None
    if strange or not total:
        raise NotConda(f"{strange:,} of its {total:,} rows are no counts of {month}")
    content: dict[str, dict[str, int]] = {}
    for package, channel, downloads in rows:
        content.setdefault(package, {})[channel] = downloads
    return content
