select *
from {{ source('inputs', 'tags') }}
