"""Describes an export for people: README.md, LICENSES.md and the NOTICE that dlpulse itself comes with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import metadata

from warehouse.datapackage import OWN, Package, Source, Table

NAMES = ("README.md", "LICENSES.md", "NOTICE")
_READ = """
## How to read it

* `csv/` and `parquet/` (one of them if only one was asked for) hold the same rows, one file a table.
  `datapackage.json` describes both for machines, as a [Data Package 2.0](https://datapackage.org): types, keys,
  relations, lengths and SHA-256 of the files, sources and licences of each table.
* Days and months are dates; instants (`…_at`, `known_from`, `known_to`) are UTC, in CSV with a `Z`, in Parquet without
  zone. Shares lie between 0 and 1.
* CSV is RFC 4180 in UTF-8 with LF. Texts, lists and maps (as JSON) stand in quotation marks, nothing else does. An
  empty cell is NULL, not known; `""` is an empty text.
* A text that begins with `=`, `+`, `-`, `@` (also ＝＋－＠), a tab or a line break would be a formula to a spreadsheet.
  In CSV alone it has an apostrophe before it, and so has a text that begins with an apostrophe: take one apostrophe
  off the front of every text that has one, and you have what was there. Numbers are never touched.

For instance in DuckDB, which would otherwise read `""` as NULL:

```sql
select * from 'parquet/{table}.parquet';
select * from read_csv('csv/{table}.csv', allow_quoted_nulls = false);
```

## How far to trust it

* Absent is never zero: a value that is not known is NULL, a period that is not known has no row; `fct_coverage` says
  which were read, had nothing, are missing, were not asked, or fell into an outage of the source.
* The three kinds of star count (observed, retained, gross) are different quantities. Never splice or average them.
* Shares of surveys do not add up and do not compare across surveys. Downloads count machines.
* Benchmarks hold for the devices of `dim_devices`. Rank only what is `rankable`.
* Every fact leads by its `response_id` to a row of `meta_responses`: address, time and SHA-256 of the answer it was
  read from. The answers themselves are in the raw archive of whoever made this export.
* Sources rewrite their past. `known_at` is when a value was first read; `hist_…` tables hold the values before, too.
"""


def texts(package: Package) -> dict[str, str]:
    """Return the files that people read, by name."""
    told = (_readme(package), _licences(package), _notice())
    return dict(zip(NAMES, told, strict=True))


def _readme(package: Package) -> str:
    known = f"{package.known_at:%Y-%m-%d %H:%M} UTC" if package.known_at else "no answer yet"
    example = package.tables[0].name if package.tables else "dim_frameworks"
    lines = [
        "# dlpulse: popularity of deep-learning frameworks beside their speed",
        "",
        f"{len(package.tables)} tables of a dlpulse database, exported on {package.created_at:%Y-%m-%d %H:%M} UTC. "
        f"They say what was known on **{known}**, when the newest answer was read.",
        "",
        _scope(package),
        _READ.format(table=example),
        "## How to cite it",
        "",
        f"dlpulse, export of {package.created_at:%Y-%m-%d}, data as known on {known}, version {package.version}; "
        "and the sources whose figures you use, by the citations in LICENSES.md.",
        "",
        "## Tables",
    ]
    return "\n".join([*lines, *(line for table in package.tables for line in _table(table, package.own_use))]) + "\n"


def _scope(package: Package) -> str:
    """Say in one paragraph which rows are here, and what may be done with them."""
    unlicensed = numbers(package.unlicensed())
    if package.own_use:
        return (
            f"**For your own use; do not pass it on.** It holds {unlicensed or 'no rows'}, sources whose licence is "
            "not known. `dlpulse export` without `--own-use` leaves them out."
        )
    left = f"Left out are {unlicensed}." if unlicensed else "There were none to leave out."
    return (
        "Rows collected from sources whose licence is not known stay with whoever collected them and are not here; "
        f"single figures cited from a page are. {left} The rows here keep the licences of their sources: LICENSES.md."
    )


def numbers(rows: Mapping[str, int]) -> str:
    """Say in words how many rows there are of each source."""
    return ", ".join(f"{count:,} row{'s' if count != 1 else ''} of {source}" for source, count in rows.items())


def _table(table: Table, own_use: bool) -> Iterator[str]:
    yield from ("", f"### {table.name}", "", f"{table.description} Rows: {table.rows:,}.")
    if table.selection.unlicensed:
        yield f"{'No licence is known for' if own_use else 'Left out:'} {numbers(table.selection.unlicensed)}."
    for name, source in table.selection.emptied.items():
        yield f"`{name}` is left out where it comes from {source}: NULL here does not mean that it is not known."
    yield from ("", "| column | type | what it is |", "| --- | --- | --- |")
    for column in table.columns:
        yield f"| {column.name} | {column.kind} | {_cell(column.description)} |"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _licences(package: Package) -> str:
    lines = [
        "# Licences and citations",
        "",
        "The rows keep the licences of the sources they were collected from. This is what dlpulse knows of each source "
        "whose data are here; the source's own page prevails.",
        *(line for source in package.used for line in _source(source, package)),
        "",
        "The descriptions and this text come from dlpulse, which is under the MIT License; NOTICE has the notices of "
        "the sources under MIT.",
    ]
    return "\n".join(lines) + "\n"


def _source(source: Source, package: Package) -> Iterator[str]:
    tables = [table.name for table in package.tables if source.source in table.sources]
    licence = f"{source.licence} <{source.licence_url}>" if source.licence_url else source.licence
    yield from ("", f"## {source.source}", "", f"{source.name}. <{source.url}>", "")
    yield f"* licence: {OWN if source.licence == OWN else licence or 'not known; ' + _unknown(package)}"
    yield f"* cite as: {source.citation}"
    if source.note:
        yield f"* note: {source.note}"
    yield f"* tables: {', '.join(tables)}"


def _unknown(package: Package) -> str:
    return "for your own use" if package.own_use else "only single figures, cited as facts, are here"


def _notice() -> str:
    """Return the NOTICE of the installed dlpulse: it has the texts that licences of sources ask for."""
    return metadata.distribution("dlpulse").read_text("licenses/NOTICE") or ""
