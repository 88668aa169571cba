select *
from {{ source('inputs', 'repositories') }}
