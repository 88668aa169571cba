"""Writes what a build needs beside the parsed answers: the registry and the cited facts, as Parquet tables for dbt."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import pyarrow as pa

from warehouse import cited
from warehouse.files import write_parquet
from warehouse.registry import Registry

_TEXTS = pa.list_(pa.string())
REGISTRY_TABLES: dict[str, pa.Schema] = {
    "frameworks": pa.schema(
        [
            ("framework_id", pa.string()),
            ("name", pa.string()),
            ("first_released_on", pa.date32()),
            ("status", pa.string()),
            ("colour", pa.string()),
            ("arxiv_query", _TEXTS),
        ]
    ),
    "repositories": pa.schema([("repo_id", pa.string()), ("framework_id", pa.string()), ("former_names", _TEXTS)]),
    "survey_labels": pa.schema([("label", pa.string()), ("framework_id", pa.string())]),
    # `registry` is pypi or conda: a package may have one name in both.
    "packages": pa.schema([("registry", pa.string()), ("package", pa.string()), ("framework_id", pa.string())]),
    "tags": pa.schema([("tag", pa.string()), ("framework_id", pa.string())]),
    "paperswithcode_labels": pa.schema([("label", pa.string()), ("framework_id", pa.string())]),
    "arxiv_rules": pa.schema(
        [
            ("framework_id", pa.string()),
            ("rule_version", pa.string()),
            ("match", pa.string()),
            ("beside", pa.string()),
            ("unless", pa.string()),
            ("beside_framework", pa.bool_()),
        ]
    ),
}
CITED_RESPONSES = pa.schema(
    [
        ("response_id", pa.string()),
        ("source", pa.string()),
        ("subject", pa.string()),
        ("url", pa.string()),
        ("fetched_at", pa.timestamp("us")),
        ("bytes", pa.int64()),
        ("body_sha256", pa.string()),
        ("part", pa.string()),
    ]
)


def write(registry: Registry, folder: Path) -> None:
    """Fill `folder` with `<table>.parquet` for every table of the dbt source `inputs`."""
    for name, rows in _registry_rows(registry).items():
        write_parquet(folder / f"{name}.parquet", pa.Table.from_pylist(rows, schema=REGISTRY_TABLES[name]))
    facts: dict[str, list[dict[str, Any]]] = defaultdict(list)
    responses: dict[str, dict[str, Any]] = {}
    for fact in cited.facts():
        facts[fact.table].append({"response_id": fact.response_id, **fact.values})
        responses[fact.response_id] = _response(fact)
    for name, schema in cited.TABLES.items():
        write_parquet(folder / f"cited_{name}.parquet", pa.Table.from_pylist(facts[name], schema=schema))
    table = pa.Table.from_pylist(list(responses.values()), schema=CITED_RESPONSES)
    write_parquet(folder / "cited_responses.parquet", table)


def _registry_rows(registry: Registry) -> dict[str, list[dict[str, Any]]]:
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in REGISTRY_TABLES}
    for framework in registry.frameworks.values():
        key = {"framework_id": framework.id}
        rows["frameworks"].append(
            {
                name: getattr(framework, name)
                for name in ("name", "first_released_on", "status", "colour", "arxiv_query")
            }
            | key
        )
        rows["repositories"] += [
            {"repo_id": repo.name, "former_names": repo.formerly, **key} for repo in framework.repositories
        ]
        rows["survey_labels"] += [{"label": label, **key} for label in framework.survey_labels]
        rows["packages"] += [{"registry": "pypi", "package": package, **key} for package in framework.pypi]
        rows["packages"] += [{"registry": "conda", "package": package, **key} for package in framework.conda]
        rows["tags"] += [{"tag": tag, **key} for tag in framework.stackoverflow_tags]
        rows["paperswithcode_labels"] += [{"label": label, **key} for label in framework.paperswithcode]
        rows["arxiv_rules"] += [
            {"rule_version": framework.rule_version, **vars(rule), **key} for rule in framework.arxiv_rules
        ]
    return rows


def _response(fact: cited.CitedFact) -> dict[str, Any]:
    return {
        "response_id": fact.response_id,
        "source": "cited",
        "subject": fact.table,
        "url": fact.values["source_url"],
        "fetched_at": fact.fetched_at,
        "bytes": len(fact.line.encode()),
        "body_sha256": fact.sha256,
        "part": f"facts/{fact.table}.csv",
    }
