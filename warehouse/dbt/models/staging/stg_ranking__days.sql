select *
from {{ source('parsed', 'ranking_days') }}
