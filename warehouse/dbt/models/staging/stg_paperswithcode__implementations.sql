select *
from {{ source('parsed', 'implementations') }}
