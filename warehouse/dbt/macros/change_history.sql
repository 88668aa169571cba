{#
    Change-only history of what a source can rewrite: from every reading of a key, keep the first that gave each new
    value. known_from is when dlpulse first read the value, known_to when it first read another (null: still so).
#}
{% macro change_history(readings, keys, values) %}
    with changes as (
        select *
        from {{ readings }}
        qualify
            row({{ values | join(', ') }})
            is distinct from lag(row({{ values | join(', ') }})) over (
                partition by {{ keys | join(', ') }} order by known_from, response_id
            )
    )
    select
        *,
        lead(known_from) over (partition by {{ keys | join(', ') }} order by known_from, response_id) as known_to
    from changes
{% endmacro %}
