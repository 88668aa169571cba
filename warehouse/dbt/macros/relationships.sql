{# dbt's own test shows the orphan's value alone; this one shows its whole row, for the line that a failed build prints. #}
{% test relationships(model, column_name, to, field) %}
    select *
    from {{ model }}
    where
        {{ column_name }} is not null
        and {{ column_name }} not in (
            select {{ field }}
            from {{ to }}
            where {{ field }} is not null
        )
{% endtest %}
