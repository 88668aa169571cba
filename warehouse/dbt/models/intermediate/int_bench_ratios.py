"""Ratios between two programs of one run in the same configuration, with interval and Mann-Whitney U from n = 8."""

import pyarrow as pa

from warehouse.summaries import COMPARED, PROGRAM, SETTING, ratios


def model(dbt, session):
    dbt.config(materialized="fresh_table")
    wanted = ", ".join([*SETTING, *PROGRAM, "value"])
    samples = dbt.ref("int_bench_samples").filter(f"metric in {COMPARED}").project(wanted).to_arrow_table()
    schema = pa.schema(
        [
            *[samples.schema.field(name) for name in SETTING],
            *[(f"{name}_{side}", pa.string()) for side in "ab" for name in PROGRAM],
            *[(name, pa.float64()) for name in ("ratio", "low", "high")],
            ("n", pa.int64()),
            ("p_value", pa.float64()),
            ("p_holm", pa.float64()),
        ]
    )
    return pa.Table.from_pylist(ratios(samples.to_pylist(), SETTING, PROGRAM), schema=schema)
