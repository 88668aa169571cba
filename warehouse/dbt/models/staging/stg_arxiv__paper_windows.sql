select *
from {{ source('parsed', 'paper_windows') }}
