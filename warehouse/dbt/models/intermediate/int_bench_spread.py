"""Median, quartiles, interval and noise flags of each benchmark configuration, over process launches."""

import pyarrow as pa

from warehouse.summaries import grouped, summarise

KEYS = [
    "run_id", "device_id", "device", "engine", "framework_id", "track", "mode", "tuning", "dataset",
    "phase", "batch_size", "threads", "precision", "versions", "stack", "metric", "unit",
]  # fmt: skip


def model(dbt, session):
    dbt.config(materialized="fresh_table")
    samples = dbt.ref("int_bench_samples").project(", ".join([*KEYS, "value"])).to_arrow_table()
    rows = [
        dict(zip(KEYS, key, strict=True)) | summarise([row["value"] for row in launches])
        for key, launches in grouped(samples.to_pylist(), KEYS)
    ]
    schema = pa.schema(
        [
            *[samples.schema.field(name) for name in KEYS],
            ("n", pa.int64()),
            *[(name, pa.float64()) for name in ("median", "q1", "q3", "ci_low", "ci_high")],
            ("noisy", pa.bool_()),
            ("rankable", pa.bool_()),
        ]
    )
    return pa.Table.from_pylist(rows, schema=schema)
