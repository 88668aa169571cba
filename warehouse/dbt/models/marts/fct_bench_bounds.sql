select
    run_id,
    device_id,
    bound,
    phase,
    batch_size,
    threads,
    precision,
    metric,
    unit,
    value,
    low,
    high,
    n,
    how,
    response_id
from {{ ref('stg_bench__bounds') }}
-- A run that was resumed may have measured them twice: the larger is what the machine can do.
qualify
    row_number() over (
        partition by run_id, device_id, bound, phase, batch_size, threads, precision, metric
        order by value desc, fetched_at desc, response_id desc
    ) = 1
