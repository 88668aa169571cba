"""The typed tables that parsers fill and dbt's staging models read. Instants are UTC without zone."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

Row = tuple[str, dict[str, Any]]
"""A row of one of TABLES: (table, values by column)."""


# The key of `params` by which a collector marks an answer that was too large: its value says so for people.
OVERSIZED = "oversized"


class Rejected(Exception):
    """The answer is not what its source promises; the message says how. It stays in raw and gives no fact."""


_ORIGIN = [("response_id", pa.string()), ("fetched_at", pa.timestamp("us"))]
_INSTANT = pa.timestamp("us")
# One process launch of the benchmark: its configuration and circumstances.
_LAUNCH = [
    ("run_id", pa.string()),
    ("trial_id", pa.string()),
    ("device_id", pa.string()),
    ("device", pa.string()),
    ("engine", pa.string()),
    ("framework_id", pa.string()),
    ("track", pa.string()),
    ("mode", pa.string()),
    ("tuning", pa.string()),
    ("dataset", pa.string()),
    ("threads", pa.int32()),
    ("precision", pa.string()),
    ("seed", pa.int64()),
    ("versions", pa.string()),
    ("stack", pa.string()),
    ("control", pa.bool_()),
    ("trial_kind", pa.string()),
    ("started_at", _INSTANT),
]

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
            # The US-Pacific calendar day of fetched_at, by which GitHub's star history counts.
            ("pacific_day", pa.date32()),
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
    # One day bucket of the star history as answered; `day` is a US-Pacific calendar day. The buckets of the days
    # to come stand here too, as GitHub's zeros: a later 304 makes them real, and staging drops those still to come.
    "star_days": pa.schema(
        [
            *_ORIGIN,
            ("repo_id", pa.string()),
            ("week", pa.date32()),
            ("day", pa.date32()),
            ("stars_added", pa.int64()),
        ]
    ),
    # One repository's line in one day's ranking of EvanLi/Github-Ranking: a count that someone read off on that day.
    "ranked_repos": pa.schema(
        [
            *_ORIGIN,
            ("day", pa.date32()),
            ("full_name", pa.string()),
            ("stars", pa.int64()),
            ("forks", pa.int64()),
            ("open_issues", pa.int64()),
        ]
    ),
    # A day that was asked of the ranking: `is_missing` when there is no file of that day.
    "ranking_days": pa.schema(
        [*_ORIGIN, ("day", pa.date32()), ("is_missing", pa.bool_()), ("repositories", pa.int64())]
    ),
    # Star events of one day (UTC) under the repository's name of that day; unstars are not subtracted. `provider` is
    # clickhouse or gharchive; gharchive comes by hours (0 to 23), clickhouse by whole days (hour NULL).
    "star_events": pa.schema(
        [
            *_ORIGIN,
            ("provider", pa.string()),
            ("repo_name", pa.string()),
            ("day", pa.date32()),
            ("hour", pa.int32()),
            ("stars", pa.int64()),
        ]
    ),
    # The days (both included; one hour of a day for gharchive) for which events of `repo_names` were read to the end.
    "event_windows": pa.schema(
        [
            *_ORIGIN,
            ("provider", pa.string()),
            ("repo_names", pa.list_(pa.string())),
            ("window_start", pa.date32()),
            ("window_end", pa.date32()),
            ("hour", pa.int32()),
        ]
    ),
    # Downloads of one package on one day, or in the month that begins on `day`. `provider` is pypistats, clickhouse or
    # conda; `mirrors` tells whether mirrors' downloads are in the count (NULL: not told).
    "package_downloads": pa.schema(
        [
            *_ORIGIN,
            ("provider", pa.string()),
            ("package", pa.string()),
            ("granularity", pa.string()),
            ("mirrors", pa.bool_()),
            ("day", pa.date32()),
            ("downloads", pa.int64()),
        ]
    ),
    # Stack Overflow questions asked in a month under a tag; tag NULL: all questions.
    "question_counts": pa.schema([*_ORIGIN, ("tag", pa.string()), ("month", pa.date32()), ("questions", pa.int64())]),
    "releases": pa.schema(
        [
            *_ORIGIN,
            ("repo_id", pa.string()),
            ("version", pa.string()),
            ("released_on", pa.date32()),
            ("is_prerelease", pa.bool_()),
        ]
    ),
    # A repository's list of releases that was read to where its reading ended. `is_whole`: to the last page, so that a
    # release not told since `read_from`, when the first of its pages came, stands in the list no longer.
    "release_lists": pa.schema([*_ORIGIN, ("repo_id", pa.string()), ("read_from", _INSTANT), ("is_whole", pa.bool_())]),
    # One option of a survey's question, counted from its answers file: `base` people answered the question at all.
    # `asked` false: the survey of that year did not ask (label, respondents and base are NULL).
    "survey_answers": pa.schema(
        [
            *_ORIGIN,
            ("survey", pa.string()),
            ("year", pa.int32()),
            ("population", pa.string()),
            ("label", pa.string()),
            ("respondents", pa.int64()),
            ("base", pa.int64()),
            ("asked", pa.bool_()),
            ("source_url", pa.string()),
        ]
    ),
    # Repositories that Papers with Code linked to papers of a month, under one of its framework labels.
    "implementations": pa.schema(
        [*_ORIGIN, ("label", pa.string()), ("month", pa.date32()), ("repositories", pa.int64())]
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
    # A submission-date window that was asked to its end: papers the feed promised and papers received. The row is of
    # the note that says so; `last_answer_id` is the last of the answers that it names (NULL: it names none).
    "paper_windows": pa.schema(
        [
            *_ORIGIN,
            ("window_start", pa.date32()),
            ("window_end", pa.date32()),
            ("query", pa.string()),
            ("total", pa.int64()),
            ("received", pa.int64()),
            ("last_answer_id", pa.string()),
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
    # The proof of one engine's mode on one track in one tuning; `faults` are the figures over their limits, in words.
    "bench_parity": pa.schema(
        [
            *_ORIGIN,
            ("run_id", pa.string()),
            ("engine", pa.string()),
            ("mode", pa.string()),
            ("track", pa.string()),
            ("tuning", pa.string()),
            ("stack", pa.string()),
            ("proved", pa.bool_()),
            ("figures", pa.string()),
            ("faults", pa.list_(pa.string())),
        ]
    ),
    # One metric of one process launch (a trial).
    "bench_trials": pa.schema(
        [
            *_ORIGIN,
            *_LAUNCH,
            ("phase", pa.string()),
            ("batch_size", pa.int32()),
            ("metric", pa.string()),
            ("value", pa.float64()),
            ("unit", pa.string()),
        ]
    ),
    # One epoch of a learning trial: seconds of training so far, the epoch's mean loss, accuracy on unseen images.
    "bench_epochs": pa.schema(
        [
            *_ORIGIN,
            *_LAUNCH,
            ("batch_size", pa.int32()),
            ("epoch", pa.int32()),
            ("train_s", pa.float64()),
            ("loss", pa.float64()),
            ("accuracy", pa.float64()),
        ]
    ),
    # What the machine can do at most; batch_size is NULL where no network is run. low and high are the extremes of the
    # n samples.
    "bench_bounds": pa.schema(
        [
            *_ORIGIN,
            ("run_id", pa.string()),
            ("device_id", pa.string()),
            ("bound", pa.string()),
            ("phase", pa.string()),
            ("threads", pa.int32()),
            ("precision", pa.string()),
            ("batch_size", pa.int32()),
            ("metric", pa.string()),
            ("unit", pa.string()),
            ("value", pa.float64()),
            ("low", pa.float64()),
            ("high", pa.float64()),
            ("n", pa.int64()),
            ("how", pa.string()),
        ]
    ),
}
