select *
from {{ source('inputs', 'cited_benchmarks') }}
