{# dbt's own test counts the strangers by value; this one shows their rows, for the line that a failed build prints. #}
{% test accepted_values(model, column_name, values) %}
    select *
    from {{ model }}
    where {{ column_name }} not in ('{{ values | join("', '") }}')
{% endtest %}
