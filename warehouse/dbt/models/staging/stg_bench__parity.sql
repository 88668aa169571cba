select *
from {{ source('parsed', 'bench_parity') }}
