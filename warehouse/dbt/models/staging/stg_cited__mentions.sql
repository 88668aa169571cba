select *
from {{ source('inputs', 'cited_mentions') }}
