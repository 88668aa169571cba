select *
from {{ source('parsed', 'runs') }}
