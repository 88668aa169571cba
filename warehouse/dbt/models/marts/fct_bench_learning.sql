select * exclude (times)
from {{ ref('int_bench_learning') }}
