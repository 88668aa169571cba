select *
from {{ source('parsed', 'question_counts') }}
