select *
from {{ source('parsed', 'papers') }}
