select
    run_id,
    engine,
    mode,
    track,
    tuning,
    stack,
    proved,
    figures,
    faults,
    response_id
from {{ ref('stg_bench__parity') }}
