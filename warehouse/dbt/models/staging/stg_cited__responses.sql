select *
from {{ source('inputs', 'cited_responses') }}
