select *
from {{ source('parsed', 'releases') }}
