select
    device_id,
    cpu,
    cores,
    gpu,
    memory_gib,
    os,
    python,
    versions
from {{ ref('stg_bench__devices') }}
qualify row_number() over (partition by device_id order by fetched_at desc, response_id desc) = 1
