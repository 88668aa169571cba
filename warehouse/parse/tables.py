"""The typed tables that parsers fill and dbt's staging models read. Instants are UTC without zone."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

Row = tuple[str, dict[str, Any]]
"""A row of one of TABLES: (table, values by column)."""


class Rejected(Exception):
    """The answer is not what its source promises; the message says how. It stays in raw and gives no fact."""


_ORIGIN = [("response_id", pa.string()), ("fetched_at", pa.timestamp("us"))]
_INSTANT = pa.timestamp("us")

TABLES: dict[str, pa.Schema] = {
    "responses": pa.schema(
        [
            *_ORIGIN,
            ("run_id", pa.string()),
            ("source", pa.string()),
            ("subject", pa.string()),
            ("url", pa.string()),
            ("params", pa.string()),
            ("status", pa.int32()),
            ("bytes", pa.int64()),
            ("body_sha256", pa.string()),
            ("part", pa.string()),
            ("revalidates", pa.string()),
            ("rejected", pa.string()),
        ]
    ),
    "runs": pa.schema(
        [
            ("run_id", pa.string()),
            ("source", pa.string()),
            ("started_at", _INSTANT),
            ("finished_at", _INSTANT),
            ("requests", pa.int64()),
            ("rows", pa.int64()),
            ("error", pa.string()),
        ]
    ),
    # One GitHub repository record: the observed count of that moment.
    "repo_records": pa.schema(
        [
            *_ORIGIN,
            ("repo_id", pa.string()),
            ("github_id", pa.int64()),
            ("full_name", pa.string()),
            ("stars", pa.int64()),
            ("forks", pa.int64()),
            ("open_issues", pa.int64()),
            ("watchers", pa.int64()),
            ("archived", pa.bool_()),
            ("pushed_at", _INSTANT),
            ("created_on", pa.date32()),
        ]
    ),
    # One day bucket of the star history; `day` is a US-Pacific calendar day; days after the answer's own are dropped.
    "star_days": pa.schema(
        [
            *_ORIGIN,
            ("repo_id", pa.string()),
            ("week", pa.date32()),
            ("day", pa.date32()),
            ("stars_added", pa.int64()),
            ("is_partial", pa.bool_()),
        ]
    ),
    "papers": pa.schema(
        [
            *_ORIGIN,
            ("arxiv_id", pa.string()),
            ("submitted_on", pa.date32()),
            ("title", pa.string()),
            ("abstract", pa.string()),
            ("primary_category", pa.string()),
            ("categories", pa.list_(pa.string())),
        ]
    ),
    # How many papers a month had in the machine-learning categories.
    "paper_counts": pa.schema([*_ORIGIN, ("month", pa.date32()), ("papers", pa.int64())]),
    # A submission-date window that was asked to its end: papers the feed promised and papers received.
    "paper_windows": pa.schema(
        [
            *_ORIGIN,
            ("window_start", pa.date32()),
            ("window_end", pa.date32()),
            ("query", pa.string()),
            ("total", pa.int64()),
            ("received", pa.int64()),
        ]
    ),
    "bench_devices": pa.schema(
        [
            *_ORIGIN,
            ("run_id", pa.string()),
            ("device_id", pa.string()),
            ("cpu", pa.string()),
            ("cores", pa.int32()),
            ("gpu", pa.string()),
            ("memory_gib", pa.float64()),
            ("os", pa.string()),
            ("python", pa.string()),
            ("versions", pa.map_(pa.string(), pa.string())),
        ]
    ),
    "bench_parity": pa.schema(
        [*_ORIGIN, ("run_id", pa.string()), ("engine", pa.string()), ("proved", pa.bool_()), ("figures", pa.string())]
    ),
    # One metric of one process launch (a trial).
    "bench_trials": pa.schema(
        [
            *_ORIGIN,
            ("run_id", pa.string()),
            ("trial_id", pa.string()),
            ("device_id", pa.string()),
            ("engine", pa.string()),
            ("framework_id", pa.string()),
            ("track", pa.string()),
            ("mode", pa.string()),
            ("tuning", pa.string()),
            ("dataset", pa.string()),
            ("phase", pa.string()),
            ("batch_size", pa.int32()),
            ("threads", pa.int32()),
            ("precision", pa.string()),
            ("seed", pa.int64()),
            ("metric", pa.string()),
            ("value", pa.float64()),
            ("unit", pa.string()),
            ("started_at", _INSTANT),
        ]
    ),
}
