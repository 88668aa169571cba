select *
from {{ source('parsed', 'star_pages') }}
