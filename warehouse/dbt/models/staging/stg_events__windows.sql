select *
from {{ source('parsed', 'event_windows') }}
