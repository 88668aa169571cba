select *
from {{ source('parsed', 'bench_devices') }}
