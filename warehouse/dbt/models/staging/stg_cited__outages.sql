select *
from {{ source('inputs', 'cited_outages') }}
