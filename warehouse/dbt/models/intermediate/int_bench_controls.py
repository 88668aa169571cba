"""The A/A control: one program timed twice under two names. How far the two may lie apart is what this machine makes of
nothing."""

import pyarrow as pa

from warehouse.summaries import COMPARED, PROGRAM, SETTING, control_gaps


def model(dbt, session):
    dbt.config(materialized="fresh_table")
    wanted = ", ".join([*SETTING, *PROGRAM, "control", "value"])
    launches = dbt.ref("stg_bench__trials").filter(f"trial_kind = 'throughput' and metric in {COMPARED}")
    rows = launches.project(wanted).to_arrow_table()
    schema = pa.schema([*[rows.schema.field(name) for name in SETTING], ("control_gap", pa.float64())])
    return pa.Table.from_pylist(control_gaps(rows.to_pylist(), SETTING, PROGRAM), schema=schema)
