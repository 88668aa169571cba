select *
from {{ source('parsed', 'bench_trials') }}
