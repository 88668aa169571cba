select *
from {{ source('inputs', 'cited_sources') }}
