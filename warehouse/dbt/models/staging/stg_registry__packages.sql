select *
from {{ source('inputs', 'packages') }}
