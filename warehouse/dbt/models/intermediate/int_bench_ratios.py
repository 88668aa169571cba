"""Speed ratios between engines of one run in the same configuration, with interval and Mann-Whitney U from n = 8."""

import dataclasses
import itertools

import pyarrow as pa

from warehouse.statistics import compare

KEYS = [
    "run_id", "device_id", "track", "mode", "tuning", "dataset",
    "phase", "batch_size", "threads", "precision", "metric",
]  # fmt: skip


def model(dbt, session):
    dbt.config(materialized="table")
    trials = dbt.ref("stg_bench__trials").project(", ".join([*KEYS, "engine", "value"])).to_arrow_table()
    fields = [trials.schema.field(name) for name in KEYS]
    groups = {}
    for row in trials.to_pylist():
        engines = groups.setdefault(tuple(row[key] for key in KEYS), {})
        engines.setdefault(row["engine"], []).append(row["value"])
    rows = [
        dict(zip(KEYS, key, strict=True))
        | {"engine_a": a, "engine_b": b}
        | dataclasses.asdict(compare(engines[a], engines[b]))
        for key, engines in sorted(groups.items(), key=repr)
        for a, b in itertools.combinations(sorted(engines), 2)
        if min(engines[a] + engines[b]) > 0
    ]
    numbers = [(name, pa.float64()) for name in ("ratio", "low", "high")]
    schema = pa.schema(
        [
            *fields,
            ("engine_a", pa.string()),
            ("engine_b", pa.string()),
            *numbers,
            ("n", pa.int64()),
            ("p_value", pa.float64()),
        ]
    )
    return pa.Table.from_pylist(rows, schema=schema)
