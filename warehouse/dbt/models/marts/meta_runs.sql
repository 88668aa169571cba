select
    run_id,
    any_value(source) as job,
    min(started_at) as started_at,
    max(finished_at) as finished_at,
    max(requests) as requests,
    max(rows) as rows,
    max(error) as error
from {{ ref('stg_raw__runs') }}
group by run_id
