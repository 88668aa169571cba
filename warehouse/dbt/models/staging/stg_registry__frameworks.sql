select *
from {{ source('inputs', 'frameworks') }}
