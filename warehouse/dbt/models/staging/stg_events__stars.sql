select *
from {{ source('parsed', 'star_events') }}
