select *
from {{ source('inputs', 'cited_stars') }}
