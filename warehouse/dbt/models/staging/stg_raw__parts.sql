-- Which part of the raw archive holds a run (`stem` is its id) or, while the run has not ended, one answer.
select *
from {{ source('parsed', 'parts') }}
