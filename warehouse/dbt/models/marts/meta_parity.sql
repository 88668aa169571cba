select
    run_id,
    engine,
    proved,
    figures,
    response_id
from {{ ref('stg_bench__parity') }}
