select *
from {{ source('parsed', 'paper_counts') }}
