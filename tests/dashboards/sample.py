"""A small, deterministic world in the published database's tables: what the dashboard's tests look at.

`write(path, variant)`: full | cited (as after a first run without network) | empty (tables without rows) | half
(only the registry's tables).
"""

# ruff: noqa: E501 - rows of a table read best in one line each.
from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from warehouse import claims

# id, name, colour, status, repository, first release, stars in 2026, middle of the growth (year), steepness
FRAMEWORKS = [
    ("tensorflow", "TensorFlow", "#F2A900", "active", "tensorflow/tensorflow", "2015-11-09", 197000, 2018.2, 0.55),
    ("pytorch", "PyTorch", "#E8590C", "active", "pytorch/pytorch", "2017-01-18", 103000, 2021.4, 0.45),
    ("keras", "Keras", "#C2255C", "active", "keras-team/keras", "2015-03-27", 64000, 2018.6, 0.5),
    ("jax", "JAX", "#7048E8", "active", "jax-ml/jax", "2018-12-11", 36500, 2023.0, 0.5),
    ("caffe", "Caffe", "#8D5B3E", "dormant", "BVLC/caffe", "2013-12-01", 34500, 2016.6, 0.9),
    ("paddlepaddle", "PaddlePaddle", "#1C7ED6", "active", "PaddlePaddle/Paddle", "2016-08-31", 24000, 2020.5, 0.5),
    ("mxnet", "MXNet", "#0CA678", "archived", "apache/mxnet", "2015-12-01", 20800, 2017.9, 0.7),
    ("cntk", "CNTK", "#5C940D", "ended", "microsoft/CNTK", "2016-01-25", 17600, 2017.5, 0.9),
    ("theano", "Theano", "#22B8CF", "ended", "Theano/Theano", "2008-01-01", 10000, 2016.5, 0.8),
    ("torch7", "Torch (Lua)", "#868E96", "dormant", "torch/torch7", "2011-12-12", 9100, 2016.2, 0.8),
    ("chainer", "Chainer", "#A0A32A", "maintenance", "chainer/chainer", "2015-06-09", 5900, 2017.6, 0.7),
]

SCHEMA = """
create table dim_frameworks (framework_id varchar, name varchar, first_released_on date, status varchar, colour varchar);
create table dim_repos (
    repo_id varchar, framework_id varchar, full_name varchar, former_names varchar[], github_id bigint, created_on date,
    archived boolean
);
create table dim_devices (
    device_id varchar, cpu varchar, cores integer, gpu varchar, memory_gib double, os varchar, python varchar,
    versions map(varchar, varchar)
);
create table fct_stars (
    framework_id varchar, repo_id varchar, day date, estimator varchar, stars bigint, stars_added bigint,
    is_partial boolean, rounded_to bigint, source varchar, known_at timestamp, response_id varchar
);
create table fct_repo_days (repo_id varchar, day date, archived boolean, pushed_at timestamp);
create table fct_papers (
    arxiv_id varchar, submitted_on date, title varchar, primary_category varchar, categories varchar[], known_at timestamp,
    response_id varchar
);
create table fct_mentions (
    arxiv_id varchar, framework_id varchar, submitted_on date, in_title boolean, in_abstract boolean,
    rule_version varchar, response_id varchar
);
create table fct_mentions_monthly (
    framework_id varchar, month date, measure varchar, base varchar, papers bigint, denominator bigint, share double,
    response_id varchar
);
create table fct_survey_shares (
    survey varchar, year integer, population varchar, label varchar, framework_id varchar, respondents bigint,
    base bigint, share double, asked boolean, verified boolean, source_url varchar, read_on date, response_id varchar
);
create table fct_downloads (
    framework_id varchar, package varchar, source varchar, granularity varchar, mirrors boolean, day date,
    downloads bigint, known_at timestamp, response_id varchar
);
create table fct_questions_monthly (
    framework_id varchar, month date, questions bigint, total bigint, share double, response_id varchar
);
create table fct_bench_trials (
    trial_id varchar, run_id varchar, device_id varchar, device varchar, engine varchar, framework_id varchar,
    track varchar, mode varchar, tuning varchar, dataset varchar, phase varchar, batch_size integer, threads integer,
    precision varchar, seed bigint, versions varchar, stack varchar, control boolean, trial_kind varchar,
    metric varchar, value double, unit varchar, started_at timestamp, response_id varchar
);
create table fct_bench_results (
    run_id varchar, device_id varchar, device varchar, engine varchar, framework_id varchar, track varchar,
    mode varchar, tuning varchar, dataset varchar, phase varchar, batch_size integer, threads integer,
    precision varchar, versions varchar, stack varchar, metric varchar, unit varchar, n bigint, median double,
    q1 double, q3 double, ci_low double, ci_high double, noisy boolean, rankable boolean, parity_proved boolean
);
create table fct_bench_ratios (
    run_id varchar, device_id varchar, device varchar, track varchar, tuning varchar, dataset varchar, phase varchar,
    batch_size integer, threads integer, precision varchar, engine_a varchar, mode_a varchar, versions_a varchar,
    stack_a varchar, engine_b varchar, mode_b varchar, versions_b varchar, stack_b varchar, metric varchar,
    ratio double, low double, high double, n bigint, p_value double, p_holm double, rankable boolean,
    control_gap double, resolved boolean
);
create table fct_bench_epochs (
    trial_id varchar, run_id varchar, device_id varchar, device varchar, engine varchar, framework_id varchar,
    track varchar, mode varchar, tuning varchar, dataset varchar, batch_size integer, threads integer,
    precision varchar, seed bigint, versions varchar, stack varchar, control boolean, epoch integer, train_s double,
    loss double, accuracy double, started_at timestamp, response_id varchar
);
create table fct_bench_learning (
    run_id varchar, device_id varchar, device varchar, engine varchar, framework_id varchar, track varchar,
    mode varchar, tuning varchar, dataset varchar, batch_size integer, threads integer, precision varchar,
    versions varchar, stack varchar, seeds bigint, reached bigint, target_accuracy double, time_to_accuracy_s double,
    low double, high double, epochs_to_accuracy double, final_accuracy double
);
create table fct_implementations_monthly (
    framework_id varchar, month date, repositories bigint, share double, response_id varchar
);
create table fct_bench_cited (
    source varchar, program varchar, framework_id varchar, network varchar, dataset varchar, device varchar,
    year integer, seconds bigint, verified boolean, source_url varchar, read_on date, response_id varchar
);
create table fct_releases (
    framework_id varchar, version varchar, released_on date, is_prerelease boolean, response_id varchar
);
create table fct_coverage (
    source varchar, subject varchar, period_start date, period_end date, state varchar, note varchar
);
create table fct_claims (
    claim_id varchar, claim varchar, stated_value varchar, valid_on date, measured_value varchar, verdict varchar,
    reason varchar, evidence_sql varchar
);
create table rpt_star_sums (
    repo_id varchar, framework_id varchar, read_at timestamp, stars_summed bigint, stars_recorded bigint,
    difference bigint, tolerance double, agrees boolean, response_id varchar
);
create table rpt_frameworks (
    framework_id varchar, name varchar, stars_observed bigint, stars_retained bigint, stars_growth_12m double,
    paper_share double, paper_growth_12m double, survey_share double, downloads_30d bigint, question_share double,
    last_release_on date, device_id varchar, train_images_per_s double, infer_images_per_s double
);
create table rpt_framework_figures (
    framework_id varchar, measure varchar, value double, as_of date, since date, source varchar, base varchar,
    response_id varchar
);
create table meta_runs (
    run_id varchar, job varchar, started_at timestamp, finished_at timestamp, requests bigint, rows bigint, error varchar
);
comment on table fct_stars is 'Star counts, three kinds, never spliced.';
comment on column fct_stars.stars is 'Cumulative stars; NULL where not known.';
create table meta_parity (
    run_id varchar, engine varchar, mode varchar, track varchar, tuning varchar, stack varchar, proved boolean,
    figures varchar, faults varchar[], response_id varchar
);
create table meta_responses (
    response_id varchar, run_id varchar, source varchar, subject varchar, url varchar, fetched_at timestamp,
    status integer, bytes bigint, body_sha256 varchar, part varchar, revalidates varchar
);
create temp table curve (
    framework_id varchar, name varchar, colour varchar, status varchar, repo_id varchar, first_released_on date,
    final bigint, middle double, steepness double
);
"""
GROWTH = "final / (1 + exp(-steepness * (year({day}) + dayofyear({day}) / 365.25 - middle) * 0.9))"

REGISTRY = """
insert into dim_frameworks select framework_id, name, first_released_on, status, colour from curve;
insert into dim_repos
    select repo_id, framework_id, repo_id, [], null, first_released_on, null from curve;
"""

# Year-end readings as cited, the June and July 2018 pair, one reading of 2026; torch7 has none after 2018.
CITED = f"""
insert into fct_stars
select framework_id, repo_id, day, 'observed',
    if(source = 'mbadry1', 100 * round(stars / 100), stars)::bigint, null, false,
    if(source = 'mbadry1', 100, null), source, '2026-11-20', 'cited:' || repo_id || day
from (
    select *, {GROWTH.format(day="day")} as stars,
        case when day < date '2017-06-01' then 'aymericdamien' when day < date '2018-08-01' then 'mbadry1' else 'EvanLi' end
            as source
    from curve, (
        select unnest([date '2016-08-09', '2018-06-10', '2018-07-17', '2018-12-18', '2019-12-31', '2020-12-31',
            '2021-12-31', '2022-12-31', '2023-12-31', '2024-12-31', '2025-12-31', '2026-08-22']::date[]) as day
    )
)
where day > first_released_on and not (framework_id = 'torch7' and day > date '2019-01-01')
    and not (framework_id = 'chainer' and day between date '2020-12-01' and date '2024-12-31');
insert into fct_coverage values
    ('events', '*', '2025-05-23', null, 'outage', 'GH Archive captures only a part'),
    ('stars', '*', '2026-06-30', '2026-09-03', 'outage', 'the star lists were closed');
"""

RETAINED = f"""
create temp table days as
select framework_id, repo_id, day::date as day, round({GROWTH.format(day="day")} * (0.9 + 0.1 * datediff('day', date '2015-01-01', day) / 4343))
    ::bigint as stars
from curve, range(greatest(first_released_on, date '2015-01-01')::timestamp, timestamp '2026-11-23', interval 1 day) as r(day);
insert into fct_stars
select framework_id, repo_id, day, 'retained', stars,
    greatest(0, stars - coalesce(lag(stars) over (partition by repo_id order by day), stars)), day = date '2026-11-22',
    null, 'github', '2026-11-22 10:00', 'run-1'
from days;
insert into fct_mentions_monthly
select framework_id, month::date, 'title_abstract', 'ml_papers', papers, denominator, papers / denominator, 'run-2'
from (
    select *, 800 + 9 * datediff('month', date '2016-01-01', month) as denominator,
        round(denominator * 0.02 * exp(-pow((year(month) + month(month) / 12 - middle - 1) / 5, 2)) * (final / 197000) ** 0.3)
            ::bigint as papers
    from (select *, month::date as month from curve, range(timestamp '2016-01-01', timestamp '2026-11-01', interval 1 month)
        as r(month))
)
where month not between date '2021-03-01' and date '2021-08-01' and month >= first_released_on;
insert into fct_mentions_monthly
select framework_id, month, measure, 'any_framework', papers, naming, papers / nullif(naming, 0), response_id
from (
    select *, sum(papers) over (partition by month)::bigint as naming
    from (
        select framework_id, month, measure, if(month < date '2016-03-01', 1, papers) as papers, response_id
        from fct_mentions_monthly where base = 'ml_papers'
        union all
        select framework_id, month::date, 'title_abstract', 0, 'run-2'
        from curve, range(timestamp '2008-01-01', timestamp '2016-01-01', interval 1 month) as r(month)
    )
);
-- Not every framework was asked for in this month: nobody knows how many papers name any of them.
update fct_mentions_monthly set denominator = null, share = null
where base = 'any_framework' and month = date '2024-05-01';
insert into fct_mentions_monthly values
    ('tensorflow', '2017-03-01', 'full_text', 'ml_papers', null, null, 0.091, 'cited:mentions'),
    ('caffe', '2017-03-01', 'full_text', 'ml_papers', null, null, 0.071, 'cited:mentions');
"""

# Papers of three years: each names PyTorch; every second Keras too, every fourth TensorFlow beside both.
PAPERS = """
insert into fct_papers
select printf('%02d%02d.%05d', year(day) % 100, month(day), number), day, 'Paper ' || number || ' <b>of</b> ' || day,
    'cs.LG', ['cs.LG'], '2026-11-22 10:00', 'run-2'
from (select number, (date '2024-01-05' + (number * 3)::integer)::date as day from range(340) as r(number));
insert into fct_mentions
select arxiv_id, framework_id, submitted_on, framework_id = 'pytorch', framework_id <> 'pytorch', '1', 'run-2'
from fct_papers, (values ('pytorch', 1), ('keras', 2), ('tensorflow', 4)) as f(framework_id, every)
where right(arxiv_id, 5)::integer % every = 0;
"""

# Two packages of TensorFlow, one of Keras; March 2026 lacks a day, April is not over. conda tells months.
USAGE = """
insert into fct_downloads
select framework_id, package, 'clickhouse', 'day', true, day::date, each, '2026-11-22 10:00', 'run-4'
from range(timestamp '2026-01-01', timestamp '2026-04-12', interval 1 day) as r(day),
    (values ('tensorflow', 'tensorflow', 50000), ('tensorflow', 'tf-nightly', 2000), ('keras', 'keras', 40000))
    as p(framework_id, package, each)
where day <> timestamp '2026-03-10';
insert into fct_downloads values
    ('keras', 'keras', 'conda', 'month', null, '2026-02-01', 120000, '2026-11-22 10:00', 'run-4');
insert into fct_questions_monthly
select framework_id, month::date, questions, 1000, questions / 1000, 'run-4'
from range(timestamp '2025-01-01', timestamp '2026-11-01', interval 1 month) as r(month),
    (values ('tensorflow', 9), ('keras', 3), ('cntk', 0)) as q(framework_id, questions);
"""

SURVEYS: list[tuple[str, int, str, int | None, dict[str, int]]] = [
    ("kdnuggets", 2018, "KDnuggets readers", 2052, {"tensorflow": 614, "keras": 456, "pytorch": 132, "theano": 100, "cntk": 62, "mxnet": 31, "caffe": 30, "torch7": 20}),
    ("kdnuggets", 2017, "KDnuggets readers", 2881, {"tensorflow": 581, "keras": 274, "theano": 167, "cntk": 98, "caffe": 89, "pytorch": 86, "mxnet": 51, "torch7": 34}),
    ("kdnuggets", 2019, "KDnuggets readers", None, {"tensorflow": 519, "keras": 436, "pytorch": 185, "mxnet": 28, "cntk": 27, "theano": 26, "torch7": 15, "caffe": 10}),
]  # fmt: skip
# engine, tuning, phase, metric, unit, batch, one value per launch
TRIALS = [
    ("keras-tensorflow", "stock", "training", "images_per_s", "images/s", 128, [1676, 1702, 1655, 1690, 1668, 1711, 1649, 1683]),
    ("pytorch", "stock", "training", "images_per_s", "images/s", 128, [2021, 2110, 1985, 2044, 2090, 2003, 2065, 1992]),
    ("keras-tensorflow", "tuned", "training", "images_per_s", "images/s", 128, [2852, 2910, 2801, 2870, 2833, 2889, 2822, 2861]),
    ("pytorch", "tuned", "training", "images_per_s", "images/s", 128, [3507, 2410, 3610, 2205, 3480, 3550, 2120, 3390]),
    ("keras-tensorflow", "stock", "inference", "images_per_s", "images/s", 128, [4732, 4810, 4690, 4755, 4701, 4779, 4722, 4740]),
    ("pytorch", "stock", "inference", "images_per_s", "images/s", 128, [3819, 3901, 3777, 3840, 3795, 3866, 3802, 3831]),
    ("keras-tensorflow", "stock", "inference", "latency_p50_ms", "ms", 1, [0.93, 0.95, 0.92, 0.94, 0.93, 0.96, 0.92, 0.93]),
    ("pytorch", "stock", "inference", "latency_p50_ms", "ms", 1, [0.38, 0.39, 0.37, 0.38, 0.4, 0.38, 0.37, 0.38]),
    ("keras-tensorflow", "stock", "inference", "latency_p95_ms", "ms", 1, [1.41, 1.5, 1.38, 1.44, 1.4, 1.52, 1.39, 1.43]),
    ("pytorch", "stock", "inference", "latency_p95_ms", "ms", 1, [0.61, 0.64, 0.6, 0.62, 0.68, 0.61, 0.6, 0.63]),
    ("keras-tensorflow", "stock", "setup", "import_s", "s", 128, [6.1, 5.8, 6.4, 6.0, 5.9, 6.2, 6.0, 6.1]),
    ("pytorch", "stock", "setup", "import_s", "s", 128, [1.7, 1.8, 1.6, 1.7, 1.7, 1.9, 1.7, 1.6]),
    ("keras-tensorflow", "stock", "setup", "build_s", "s", 128, [0.11, 0.12, 0.11, 0.11, 0.12, 0.11, 0.13, 0.11]),
    ("pytorch", "stock", "setup", "build_s", "s", 128, [0.02, 0.02, 0.02, 0.03, 0.02, 0.02, 0.02, 0.02]),
    ("keras-tensorflow", "stock", "setup", "first_step_s", "s", 128, [1.3, 1.2, 1.4, 1.3, 1.3, 1.2, 1.3, 1.4]),
    ("pytorch", "stock", "setup", "first_step_s", "s", 128, [2.1, 2.4, 2.0, 2.2, 2.1, 2.3, 2.2, 2.1]),
]  # fmt: skip

RESULTS = """
insert into fct_bench_results
select run_id, device_id, device, engine, framework_id, track, mode, tuning, dataset, phase, batch_size, threads,
    precision, versions, stack, metric, unit, count(*), median(value), quantile_cont(value, 0.25), quantile_cont(value, 0.75), null, null,
    quantile_cont(value, 0.75) - quantile_cont(value, 0.25) >= 0.10 * median(value),
    quantile_cont(value, 0.75) - quantile_cont(value, 0.25) < 0.25 * median(value), true
from fct_bench_trials where not control
group by all;
-- Worked out from several figures: no launch of its own has it.
insert into fct_bench_results
select * replace ('share_of_peak' as metric, 'share' as unit, median / 12000 as median, q1 / 12000 as q1, q3 / 12000 as q3)
from fct_bench_results where metric = 'images_per_s';
-- The interval is made up; PyTorch's tuned launches are too noisy to be compared.
insert into fct_bench_ratios
select a.run_id, a.device_id, a.device, a.track, a.tuning, a.dataset, a.phase, a.batch_size, a.threads, a.precision,
    a.engine, a.mode, a.versions, a.stack, b.engine, b.mode, b.versions, b.stack, a.metric,
    a.median / b.median, 0.97 * a.median / b.median, 1.03 * a.median / b.median, 8, 0.0002, 0.0004,
    a.rankable and b.rankable, 0.02, a.rankable and b.rankable
from fct_bench_results as a join fct_bench_results as b using (run_id, device_id, track, tuning, phase, metric)
where a.engine < b.engine and a.metric in ('images_per_s', 'latency_p50_ms', 'latency_p95_ms');
insert into fct_bench_epochs
select 'l-' || seed || engine, 'run-3', 'dev-1', 'cpu', engine, framework_id, 'default', 'eager', 'stock', 'digits', 128,
    2, 'float32', seed, '', '', false, epoch, epoch * pace, 2.3 / epoch, 1 - gap / epoch - seed / 1000, '2026-11-22 12:00',
    'run-3'
from range(1, 11) as e(epoch), range(3) as s(seed),
    (values ('keras-tensorflow', 'keras', 0.2, 0.9), ('pytorch', 'pytorch', 0.3, 0.4)) as p(engine, framework_id, gap, pace);
insert into fct_bench_learning
select run_id, device_id, device, engine, framework_id, track, mode, tuning, dataset, batch_size, threads, precision,
    versions, stack, 3, 3, 0.9, min(train_s) filter (where accuracy >= 0.9), 0.1, 9.9, 4, max(accuracy)
from fct_bench_epochs
group by all;
"""

# PyTorch's 1.0 and 2.0 begin something, JAX never left 0, so that its 0.4 and 0.5 do.
RELEASES = """
insert into fct_releases values
    ('pytorch', 'v1.0.0', '2018-12-07', false, 'run-5'), ('pytorch', 'v1.13.1', '2022-12-16', false, 'run-5'),
    ('pytorch', 'v2.0.0', '2023-03-15', false, 'run-5'), ('pytorch', 'v2.0.0-rc1', '2023-02-15', true, 'run-5'),
    ('pytorch', 'v0.4.1', '2018-07-26', false, 'run-5'),
    ('jax', 'jax-v0.4.0', '2022-12-13', false, 'run-5'), ('jax', 'jax-v0.4.1', '2022-12-14', false, 'run-5'),
    ('jax', 'jax-v0.5.0', '2025-01-17', false, 'run-5');
"""

# Star events of 2025 up to the outage: May lacks its last days.
GROSS = """
insert into fct_stars
select framework_id, repo_id, day::date, 'gross', 100 + 3 * datediff('day', date '2025-01-01', day), 3, false, null,
    'gharchive', '2026-11-22 10:00', 'run-6'
from (values ('keras', 'keras-team/keras'), ('pytorch', 'pytorch/pytorch')) as r(framework_id, repo_id),
    range(timestamp '2025-01-01', timestamp '2025-05-23', interval 1 day) as d(day);
create macro stars_as_of(ts) as table
    select * from fct_stars where known_at <= ts::timestamp;
"""

REPORT = """
insert into rpt_framework_figures
select framework_id, 'stars_observed', arg_max(stars, day), max(day), null, arg_max(source, day), null, 'cited'
from fct_stars where estimator = 'observed' group by all
union all
select framework_id, measure, if(measure = 'stars_growth_12m', last.stars / first.stars - 1, last.stars - first.stars),
    last.day, first.day, 'EvanLi', 'observed, ' || first.stars || ' stars before', 'cited'
from (values ('stars_growth_12m'), ('stars_gained_12m')) as m(measure), fct_stars as last join fct_stars as first using (repo_id, framework_id, estimator)
where estimator = 'observed' and last.day = date '2026-08-22' and first.day = date '2025-12-31'
union all
select framework_id, 'paper_share', sum(papers) / sum(denominator), date '2026-10-31', date '2025-11-01', 'arXiv titles and abstracts', base, 'run-2'
from fct_mentions_monthly where base = 'ml_papers' and measure = 'title_abstract' and month >= date '2025-11-01' group by all
union all
select framework_id, 'survey_share', share, make_date(year, 12, 31), make_date(year, 1, 1), survey || ' ' || year, 'base ' || base, response_id
from fct_survey_shares where year = 2018
union all
select framework_id, if(phase = 'training', 'train_images_per_s', 'infer_images_per_s'), median, date '2026-11-22', null,
    engine, tuning || ', batch ' || batch_size, 'run-3'
from fct_bench_results where metric = 'images_per_s' and tuning = 'stock';
create macro frameworks_as_of(ts) as table
    select * replace (if(ts < '2026-11-21', 0.5, 1) * stars_observed as stars_observed) from rpt_frameworks;
insert into meta_runs values
    ('run-1', 'stars', '2026-11-22 10:00', '2026-11-22 10:00:12.5', 22, 900, null),
    ('run-2', 'papers', '2026-11-20 10:00', '2026-11-20 10:01', 25, 300, 'two windows left');
insert into rpt_frameworks (framework_id, name, stars_observed)
select framework_id, name, max(value)::bigint
from dim_frameworks left join rpt_framework_figures using (framework_id)
where measure is null or measure = 'stars_observed' group by all;
insert into meta_responses (response_id, source, subject, url, fetched_at, status) values
    ('run-1', 'stars', 'keras-team/keras', 'https://api.github.com/repos/keras-team/keras/stargazers/history',
        '2026-11-22 10:00', 200),
    ('run-2', 'papers', 'pytorch', 'https://export.arxiv.org/api/query', '2026-11-22 10:00', 200),
    ('run-0', 'stars', 'keras-team/keras', 'https://api.github.com/repos/keras-team/keras', '2026-11-18 10:00', 404),
    ('cited:1', 'surveys', null, 'https://www.kdnuggets.com/', '2026-11-20', null);
insert into meta_responses (response_id, source, url, fetched_at)
select response_id, 'stars', 'https://example.org/' || source, '2026-11-20'
from fct_stars where estimator = 'observed';
"""


def write(path: Path, variant: str = "full") -> Path:
    """Write the database and return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(path)) as connection:
        connection.execute(SCHEMA)
        connection.executemany("insert into curve values (?, ?, ?, ?, ?, ?, ?, ?, ?)", FRAMEWORKS)
        if variant != "empty":
            connection.execute(REGISTRY)
        if variant in ("full", "cited"):
            connection.execute(CITED)
            _surveys(connection)
            _bench(connection)
        if variant == "full":
            connection.execute(RETAINED)
            connection.execute(PAPERS)
            connection.execute(USAGE)
            connection.execute(GROSS)
            connection.execute(RELEASES)
        if variant in ("full", "cited"):
            connection.execute(REPORT)
            _claims(connection)
        if variant == "half":
            for table in ("fct_stars", "fct_coverage", "rpt_framework_figures", "fct_bench_trials", "meta_parity"):
                connection.execute(f"drop table {table}")
    return path


def _claims(connection: duckdb.DuckDBPyConnection) -> None:
    """Decide the article's claims of this world, as a build does."""

    def ask(sql: str) -> list[dict[str, Any]]:
        return list(connection.sql(sql).to_arrow_table().to_pylist())

    for day in (claims.ARTICLE_DAY, date(2026, 11, 22)):
        rows = [tuple(row.values()) for row in claims.judged(ask, day)]
        connection.executemany("insert into fct_claims values (?, ?, ?, ?, ?, ?, ?, ?)", rows)


def _surveys(connection: duckdb.DuckDBPyConnection) -> None:
    names = {row[0]: row[1] for row in FRAMEWORKS}
    rows = [
        (survey, year, population, names[framework], framework, votes, base, votes / base if base else None)
        for survey, year, population, base, counts in SURVEYS
        for framework, votes in counts.items()
    ]
    connection.executemany(
        "insert into fct_survey_shares values (?, ?, ?, ?, ?, ?, ?, ?, true, true, "
        "'https://www.kdnuggets.com/', '2026-11-20', 'cited:survey')",
        rows,
    )
    connection.execute(
        "insert into fct_survey_shares values ('stackoverflow', 2025, 'all respondents', 'Keras', 'keras', null, null, "
        "null, false, true, 'https://survey.stackoverflow.co/', '2026-11-20', 'cited:survey')"
    )


def _bench(connection: duckdb.DuckDBPyConnection) -> None:
    versions = {"keras": "3.15.0", "tensorflow": "2.21.0", "torch": "2.13.0"}
    connection.execute(
        "insert into dim_devices values "
        "('dev-1', 'AMD EPYC 7R13 Processor', 2, null, 7.6, 'Linux 6.1', '3.11.2', map(?, ?))",
        [list(versions), list(versions.values())],
    )
    owner = {"keras-tensorflow": "keras", "pytorch": "pytorch"}
    modes = {"keras-tensorflow": "graph", "pytorch": "eager"}
    told = {"keras-tensorflow": "keras 3.15.0, tensorflow 2.21.0", "pytorch": "torch 2.13.0"}
    rows = [
        (
            *(f"{engine}-{tuning}-{launch}", engine, owner[engine], modes[engine], tuning, phase, batch, launch),
            *(told[engine], metric, value, unit),
        )
        for engine, tuning, phase, metric, unit, batch, values in TRIALS
        for launch, value in enumerate(values)
    ]
    connection.executemany(
        "insert into fct_bench_trials values (?, 'run-3', 'dev-1', 'cpu', ?, ?, 'default', ?, ?, 'digits', ?, ?, 2, "
        "'float32', ?, ?, '', false, 'throughput', ?, ?, ?, '2026-11-22 09:00', 'run-3-1')",
        rows,
    )
    # The A/A control: a second launch of the same program, which stands in no result.
    connection.execute(
        "insert into fct_bench_trials select * replace (trial_id || '-control' as trial_id, true as control, "
        "value * 7 as value) from fct_bench_trials where engine = 'pytorch'"
    )
    connection.execute(RESULTS)
    proof = json.dumps({"dtype": "float64", "logits": 2.7e-15, "weights_after_100_steps": 2.2e-16, "bound": 1e-12})
    for engine in owner:
        connection.execute(
            "insert into meta_parity values ('run-3', ?, ?, 'default', 'stock', '', true, ?, [], 'run-3-2')",
            [engine, modes[engine], proof],
        )
