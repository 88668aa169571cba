select *
from {{ source('inputs', 'arxiv_rules') }}
