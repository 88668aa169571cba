"""Describes an export for machines: datapackage.json, a Data Package 2.0 (https://datapackage.org).

Descriptions are the database's comments, licences those of dim_sources, keys those that the dbt tests hold.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from warehouse.exportfiles import Column, File
from warehouse.exportrows import Selection

DESCRIPTOR = "datapackage.json"
NAME = "dlpulse-export"
# The user's measurements: they have no licence until the user gives them one.
OWN = "your own"
MODELS = Path(__file__).parent / "dbt" / "models"
_PROFILES = "https://datapackage.org/profiles/2.0"
_MEDIA_TYPES = {"csv": "text/csv", "parquet": "application/vnd.apache.parquet"}
_DIALECT = {"delimiter": ",", "lineTerminator": "\n", "quoteChar": '"', "doubleQuote": True, "header": True}
_EMPTY = 'not known (NULL): an empty cell without quotation marks; "" in them is an empty text'


@dataclass(frozen=True)
class Table:
    """A table that was exported: its description, what of it, and its files."""

    name: str
    description: str
    columns: Sequence[Column]
    selection: Selection
    files: Sequence[File]
    rows: int

    @property
    def sources(self) -> tuple[str, ...]:
        """Whose data are in it, as dim_sources names them; none when it has no rows."""
        return self.selection.sources if self.rows else ()


@dataclass(frozen=True)
class Source:
    """A source as dim_sources describes it, `url` being its page."""

    source: str
    name: str
    licence: str | None
    licence_url: str | None
    citation: str
    note: str | None
    url: str | None


@dataclass(frozen=True)
class Package:
    """An export: its tables, all sources of the database, and when the newest answer was read (UTC)."""

    tables: Sequence[Table]
    sources: Sequence[Source]
    known_at: datetime | None
    created_at: datetime
    own_use: bool

    @property
    def version(self) -> str:
        """The day of the newest answer, in the form of a version: 2026.9.1."""
        return f"{self.known_at:%Y}.{self.known_at.month}.{self.known_at.day}" if self.known_at else "0.0.0"

    @property
    def used(self) -> list[Source]:
        """The sources whose data are in it."""
        names = {name for table in self.tables for name in table.sources}
        return [source for source in self.sources if source.source in names]

    def unlicensed(self) -> dict[str, int]:
        """Count rows by source without a known licence: left out, or with `own_use` in it."""
        counts: dict[str, int] = {}
        for table in self.tables:
            for source, rows in table.selection.unlicensed.items():
                counts[source] = counts.get(source, 0) + rows
        return counts


@dataclass(frozen=True)
class Keys:
    """A table's keys: `primary` has no NULL, `unique` may; `foreign` leads from a column to (table, column)."""

    primary: tuple[str, ...] = ()
    unique: tuple[tuple[str, ...], ...] = ()
    foreign: tuple[tuple[str, str, str], ...] = ()


def texts(package: Package) -> dict[str, str]:
    """Return the file that machines read, by name."""
    return {DESCRIPTOR: json.dumps(descriptor(package), indent=2, ensure_ascii=False) + "\n"}


def files_of(content: Any) -> set[str]:
    """Return the paths of an earlier export's files, of its datapackage.json; raise ValueError when it is none."""
    try:
        if content["name"] != NAME:
            raise ValueError(content["name"])
        return {DESCRIPTOR, *(resource["path"] for resource in content["resources"])}
    except (TypeError, KeyError) as error:
        raise ValueError(error) from None


def descriptor(package: Package) -> dict[str, Any]:
    """Return the whole description; properties beyond the standard begin with `dlpulse:`."""
    here = {table.name for table in package.tables}
    resources = [_resource(package, table, file, here) for table in package.tables for file in table.files]
    about = {
        "$schema": f"{_PROFILES}/datapackage.json",
        "name": NAME,
        "title": "dlpulse: popularity of deep-learning frameworks beside their speed",
        "description": "Tables of one dlpulse database. README.md tells how to read, trust and cite them.",
        "version": package.version,
        "created": f"{package.created_at.replace(microsecond=0).isoformat()}Z",
        "dlpulse:known_at": f"{package.known_at.isoformat()}Z" if package.known_at else None,
        "dlpulse:own_use": package.own_use,
        "keywords": ["deep learning", "frameworks", "popularity", "benchmark"],
        **_origin(package.used),
        "resources": resources,
    }
    return {key: value for key, value in about.items() if value is not None}


def _resource(package: Package, table: Table, file: File, here: set[str]) -> dict[str, Any]:
    csv = file.format == "csv"
    unlicensed = {"dlpulse:unlicensed" if package.own_use else "dlpulse:left_out": dict(table.selection.unlicensed)}
    resource = {
        "$schema": f"{_PROFILES}/dataresource.json",
        "name": _resource_name(table.name, file.format),
        "type": "table",
        "path": file.path,
        "description": table.description,
        "format": file.format,
        "mediatype": _MEDIA_TYPES[file.format],
        "encoding": "utf-8" if csv else None,
        "bytes": file.size,
        "hash": f"sha256:{file.sha256}",
        "dlpulse:rows": table.rows,
        **(unlicensed if table.selection.unlicensed else {}),
        "dlpulse:emptied": dict(table.selection.emptied) or None,
        **_origin([source for source in package.used if source.source in table.sources]),
        "dialect": _DIALECT if csv else None,
        "schema": _schema(table, file.format, here),
    }
    return {key: value for key, value in resource.items() if value is not None}


def _resource_name(table: str, form: str) -> str:
    return table if form == "csv" else f"{table}.{form}"


def _schema(table: Table, form: str, here: set[str]) -> dict[str, Any]:
    names = [column.name for column in table.columns]
    known = _keys().get(table.name, Keys())
    unique = [list(key) for key in known.unique if set(key) <= set(names)]
    foreign = [
        {"fields": [column], "reference": {"resource": _resource_name(other, form), "fields": [its]}}
        for column, other, its in known.foreign
        if column in names and other in here and other != table.name
    ]
    fields = [{"name": column.name, "type": column.kind, "description": column.description} for column in table.columns]
    return {
        "$schema": f"{_PROFILES}/tableschema.json",
        "fields": fields,
        **({"missingValues": [{"value": "", "label": _EMPTY}]} if form == "csv" else {}),
        **({"primaryKey": list(known.primary)} if known.primary and set(known.primary) <= set(names) else {}),
        **({"uniqueKeys": unique} if unique else {}),
        **({"foreignKeys": foreign} if foreign else {}),
    }


def _origin(sources: Sequence[Source]) -> dict[str, Any]:
    """Return `sources` and `licenses`; a licence that is not known is none, and neither is the user's own."""
    licences = {source.licence: source for source in sources if source.licence and source.licence != OWN}
    listed = [
        {"name": re.sub(r"[^-A-Za-z0-9.]+", "-", title).strip("-"), "title": title, "path": source.licence_url}
        for title, source in licences.items()
    ]
    told = [{"title": source.name, "path": source.url} for source in sources]
    filled = [{key: value for key, value in entry.items() if value} for entry in [*told, *listed]]
    found = {"sources": filled[: len(told)], "licenses": filled[len(told) :]}
    return {key: value for key, value in found.items() if value}


@cache
def _keys(models: Path = MODELS) -> Mapping[str, Keys]:
    """Return the keys of each table that has any, as the dbt tests of its model name them."""
    return {
        model["name"]: _keys_of(model)
        for file in sorted(models.rglob("*.yml"))
        for model in yaml.safe_load(file.read_text("utf-8")).get("models", ())
    }


def _keys_of(model: Mapping[str, Any]) -> Keys:
    unique: list[tuple[str, ...]] = []
    never_null: set[str] = set()
    foreign: list[tuple[str, str, str]] = []
    for column, test, arguments in _tests(model):
        if test == "unique":
            unique.append((column,))
        elif test == "unique_key":
            unique.append(tuple(arguments["columns"]))
        elif test in ("never_null", "not_null"):
            never_null |= set(arguments.get("columns", ())) or {column}
        elif test == "relationships":
            other = re.fullmatch(r"""ref\(['"](\w+)['"]\)""", arguments["to"])
            foreign += [(column, other[1], arguments["field"])] if other else []
    primary = next((key for key in unique if set(key) <= never_null), ())
    return Keys(primary, tuple(key for key in unique if key != primary), tuple(foreign))


def _tests(model: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Yield column ('' for the whole table), name and arguments of each data test."""
    for column in (model, *model.get("columns", ())):
        name = "" if column is model else column["name"]
        for test in column.get("data_tests", ()):
            if isinstance(test, str):
                yield name, test, {}
                continue
            kind, options = next(iter(test.items()))
            yield name, kind, options.get("arguments", options)
