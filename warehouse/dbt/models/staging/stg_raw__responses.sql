select *
from {{ source('parsed', 'responses') }}
