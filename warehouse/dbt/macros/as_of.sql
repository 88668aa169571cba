{#
    The macros <name>_as_of(ts): a mart as it was known at an instant. Nothing is written twice: the body is the mart's
    own model and the models on its way, each a CTE under its own name, over the published tables that they end in, each
    shadowed by a CTE that shows what of it was known. Where the way ends, and how a table is shown, stands in the
    table's `meta` (`as_of`); which marts have a macro, too (`as_of_macro`).

    Names stay unqualified, since a catalog's name is gone once the file is renamed. Only a shadow names the schema,
    or it would read itself. So DuckDB reads the tables of the database in USE, whichever file the macro is of: each
    macro knows of which answers its own file was made, and refuses to read one that was made of others.
#}
{% macro create_as_of_macros() %}
    {% if execute %}
        {% set made_of = edition() %}
        {% for mart in graph.nodes.values() | selectattr('config.meta.as_of_macro', 'defined') %}
            {% set ctes = {} %}
            {% do add_ctes(mart, ctes) %}
            create or replace macro {{ mart.config.meta.as_of_macro }}(ts) as table (
                with as_of_instant as (
                    {{ instant(mart.config.meta.as_of_macro, made_of) }}
                ),

                {% for name, sql in ctes.items() %}
                    {{ name }} as (
                        {{ sql }}
                    ),
                {% endfor %}
                as_of as (
                    {{ with_bare_names(mart) }}
                )

                select * from as_of
            );
            comment on macro table {{ mart.config.meta.as_of_macro }} is '
                {{- mart.name }} as it was known at ts, with the same columns: ts is an instant (TIMESTAMPTZ), or a
                {{- ' ' -}} TIMESTAMP, a DATE or a text such as 2026-12-01 08:00, which are UTC unless the text tells an
                {{- ' ' -}} offset or a zone. NULL is an error. One call is for one instant: ts cannot be another
                {{- ' ' -}} table''s column. It reads the tables of the database in USE: with several files attached, or
                {{- ' ' -}} one under another name, say USE and the name of the file that is asked first.'
            ;
        {% endfor %}
    {% endif %}
{% endmacro %}


{# Add what the model reads, directly or not, to `ctes` (SQL by name), each after what it reads itself. #}
{% macro add_ctes(model, ctes) %}
    {% for id in model.depends_on.nodes if id.split('.')[-1] not in ctes %}
        {% set parent = graph.nodes.get(id) %}
        {% if not parent or parent.language != 'sql' %}
            {{ exceptions.raise_compiler_error(
                'as of: ' ~ model.name ~ ' reads ' ~ id ~ ', which is not in the published file; publish it as a table'
                ~ ' and say in its meta (as_of) how it is seen at an instant'
            ) }}
        {% elif parent.config.meta.as_of %}
            {% do ctes.update({parent.name: as_it_stood(parent.name, parent.config.meta.as_of)}) %}
        {% else %}
            {% do add_ctes(parent, ctes) %}
            {% do ctes.update({parent.name: with_bare_names(parent)}) %}
        {% endif %}
    {% endfor %}
{% endmacro %}


{#
    A published table as it stood at `ts`. `kind`: history (rows with known_from and known_to), today (the registry, as
    it is now), run (rows of benchmark runs of which every answer was there, those of a resumption too), or the column
    that says since when a row is known.
#}
{% macro as_it_stood(table, kind) %}
    {% if kind == 'history' %}
        select * replace (case when known_to <= (select instant from as_of_instant) then known_to end as known_to)
        from main.{{ table }}
        where known_from <= (select instant from as_of_instant)
    {% elif kind == 'today' %}
        select * from main.{{ table }}
    {% elif kind == 'run' %}
        select *
        from main.{{ table }}
        where run_id in (
            select trials.run_id
            from (select distinct run_id, response_id from main.fct_bench_trials) as trials
            inner join main.meta_responses as answers on trials.response_id = answers.response_id
            inner join main.meta_responses as archived on answers.run_id = archived.run_id
            group by trials.run_id
            having max(archived.fetched_at) <= (select instant from as_of_instant)
        )
    {% else %}
        select *
        from main.{{ table }}
        where {{ kind }} <= (select instant from as_of_instant)
    {% endif %}
{% endmacro %}


{#
    The instant that `ts` means, as a TIMESTAMP in UTC, whatever the session's zone: DuckDB would cast an instant to the
    session's clock and drop a text's offset. What has a zone after its time is read as an instant, all else as UTC;
    DuckDB 1.5 wants seconds before a zone. Infinity has no epoch. Only functions of DuckDB's core: none of the
    extension that knows time zones.

    It stands first and once: `ts` may be a query of its own, and no CTE must come between it and the tables it names.
    What cannot be answered ends here too: without an instant nothing is known, which looked like an answer.
#}
{% macro instant(name, made_of) %}
    select
        case
            when ts::varchar is null
                then error(
                    '{{ name }}(ts): ts is NULL; expected an instant: a TIMESTAMPTZ, or a TIMESTAMP, a DATE or a text'
                    || ' such as 2026-12-01 08:00, which are UTC'
                )
            when (select {{ made_of_sql() }} from main.meta_responses) <> '{{ made_of }}'
                then error(
                    'this {{ name }} belongs to another file than the database in USE, whose tables it would read;'
                    || ' say USE and the name of its own file first'
                )
            when regexp_matches(ts::varchar, ':.*[a-zA-Z+-]')
                then coalesce(
                    make_timestamp(epoch_us(
                        regexp_replace(ts::varchar, '^([^:]*:[0-9]+)([^0-9:])', '\1:00\2')::timestamptz
                    )),
                    ts::timestamp
                )
            else ts::timestamp
        end as instant
{% endmacro %}


{# Of which answers the file is made: it differs between two builds with a collection between them. #}
{% macro edition() %}
    {% if load_relation(api.Relation.create(database=target.database, schema='main', identifier='meta_responses')) %}
        {{- return(run_query('select ' ~ made_of_sql() ~ ' from main.meta_responses').columns[0].values()[0]) -}}
    {% endif %}
    {{- return('') -}}
{% endmacro %}


{# Numbers alone: DuckDB 1.5 and 2.0 must write the same. Both are told by the table's statistics. #}
{% macro made_of_sql() -%}
    concat(count(*), ' ', epoch_us(max(fetched_at)))
{%- endmacro %}


{# A model's SQL with the bare name of every model that it reads. #}
{% macro with_bare_names(model) %}
    {{ render(modules.re.sub("\\{\\{\\s*ref\\('(\\w+)'\\)\\s*\\}\\}", "\\1", model.raw_code)) }}
{% endmacro %}
