select *
from {{ source('inputs', 'cited_surveys') }}
