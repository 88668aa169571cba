select *
from {{ source('parsed', 'survey_answers') }}
