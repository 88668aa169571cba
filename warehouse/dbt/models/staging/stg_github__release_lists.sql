select *
from {{ source('parsed', 'release_lists') }}
