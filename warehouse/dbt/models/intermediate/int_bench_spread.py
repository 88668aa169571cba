"""Median, quartiles, interval and noise flags of each benchmark configuration, over process launches."""

import pyarrow as pa

from warehouse.summaries import summarise

KEYS = [
    "run_id", "device_id", "engine", "framework_id", "track", "mode", "tuning", "dataset",
    "phase", "batch_size", "threads", "precision", "metric", "unit",
]  # fmt: skip


def model(dbt, session):
    dbt.config(materialized="table")
    trials = dbt.ref("stg_bench__trials").project(", ".join([*KEYS, "value"])).to_arrow_table()
    fields = [trials.schema.field(name) for name in KEYS]
    groups = {}
    for row in trials.to_pylist():
        groups.setdefault(tuple(row[key] for key in KEYS), []).append(row["value"])
    rows = [dict(zip(KEYS, key, strict=True)) | summarise(values) for key, values in sorted(groups.items(), key=repr)]
    numbers = ["median", "q1", "q3", "ci_low", "ci_high"]
    schema = pa.schema(
        [
            *fields,
            ("n", pa.int64()),
            *[(name, pa.float64()) for name in numbers],
            ("noisy", pa.bool_()),
            ("rankable", pa.bool_()),
        ]
    )
    return pa.Table.from_pylist(rows, schema=schema)
