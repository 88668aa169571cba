"""The A/A control: one program timed twice under two names. How far the two may lie apart is what this machine makes of
nothing."""

import pyarrow as pa

from warehouse.summaries import COMPARED, control_gaps

KEYS = [
    "run_id", "device_id", "device", "track", "tuning", "dataset",
    "phase", "batch_size", "threads", "precision", "metric",
]  # fmt: skip
PROGRAM = ["engine", "mode", "versions", "stack"]


def model(dbt, session):
    dbt.config(materialized="table")
    wanted = ", ".join([*KEYS, *PROGRAM, "control", "value"])
    launches = dbt.ref("stg_bench__trials").filter(f"trial_kind = 'throughput' and metric in {COMPARED}")
    rows = launches.project(wanted).to_arrow_table()
    schema = pa.schema([*[rows.schema.field(name) for name in KEYS], ("control_gap", pa.float64())])
    return pa.Table.from_pylist(control_gaps(rows.to_pylist(), KEYS, PROGRAM), schema=schema)
