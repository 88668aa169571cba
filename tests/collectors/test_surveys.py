"""Surveys, asked of the world server and brought as files, against the world's own counts."""

from __future__ import annotations

import csv
import gzip
import io
import threading
import tracemalloc
import zipfile
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as limits
from hypothesis import strategies as st

from collectors.base import Stopped
from collectors.bulk import InputFile
from collectors.paperlinks import month_of
from collectors.surveyfiles import count
from tests.collectors.conftest import NOW
from tests.world import surveys as polls
from warehouse import cited
from warehouse.errors import BadInputError
from warehouse.raw import Archive

PROFESSIONALS = "professional developers"
SCIENTISTS = "respondents whose title is data scientist"
EVERYBODY = "all respondents"


@pytest.fixture
def counted(rows) -> Callable[..., dict[str, int]]:
    """Respondents by label, and the base under "", of one population of a year."""

    def read(year: int, population: str = EVERYBODY, survey: str = "stackoverflow") -> dict[str, int]:
        found = [
            row
            for row in rows("survey_answers")
            if (row["survey"], row["year"], row["population"]) == (survey, year, population) and row["asked"]
        ]
        assert len({row["base"] for row in found}) <= 1
        assert len({row["label"] for row in found}) == len(found)
        return {"": found[0]["base"]} | {row["label"]: row["respondents"] for row in found} if found else {}

    return read


def written(folder: Path, name: str, body: bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)
    return path


def zipped(folder: Path, name: str, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(folder / name, "w", zipfile.ZIP_DEFLATED) as packed:
        for member, body in members.items():
            packed.writestr(member, body)
    return folder / name


def links(folder: Path, *rows: tuple[str | None, ...]) -> Path:
    names = ("paper_url", "paper_arxiv_id", "repo_url", "framework")
    table = pa.table({name: [row[at] for row in rows] for at, name in enumerate(names)})
    pq.write_table(table, folder / "links.parquet")
    return folder / "links.parquet"


# Asked of the archive


def test_the_newest_survey_is_counted_for_all_and_for_professionals(gather, counted):
    outcome = gather("surveys")
    assert (outcome.failed, outcome.requests, outcome.left) == ([], 1, "7 years of Stack Overflow's survey")
    assert counted(2024) == polls.truth(2024)["all"]
    assert counted(2024, PROFESSIONALS) == polls.truth(2024)["professionals"]


def test_each_run_counts_one_older_year_until_all_are_known(world, gather, counted):
    outcomes = [gather("surveys") for _ in range(9)]
    asked = [path for path in world.requests if path.startswith("/surveys")]
    assert asked == [f"/surveys/{year}/results.csv" for year in range(2024, 2016, -1)]
    assert [outcome.left for outcome in outcomes[6:]] == ["1 year of Stack Overflow's survey", "", ""]
    assert (outcomes[8].requests, outcomes[8].new) == (0, 0)
    for year in range(2017, 2025):
        assert counted(year) == polls.truth(year)["all"]
        assert counted(year, PROFESSIONALS) == (polls.truth(year)["professionals"] or {})


def test_keras_is_absent_and_not_zero_before_it_was_offered(gather, counted):
    gather("surveys", since=date(2019, 1, 1), until=date(2019, 12, 31))
    gather("surveys", since=date(2020, 1, 1), until=date(2020, 12, 31))
    assert ("Keras" in counted(2019), "Keras" in counted(2020)) == (False, True)
    assert "JAX" not in counted(2020)


def test_2018_tells_no_professionals(gather, counted):
    gather("surveys", since=date(2018, 1, 1), until=date(2018, 12, 31))
    assert counted(2018) == polls.truth(2018)["all"]
    assert counted(2018, PROFESSIONALS) == {}


def test_2025_and_2026_are_noted_as_not_asked_without_asking(world, gather, rows):
    gather("surveys")
    gather("surveys")
    unasked = [row for row in rows("survey_answers") if not row["asked"]]
    assert [(row["year"], row["label"], row["respondents"], row["base"]) for row in unasked] == [
        (2025, None, None, None),
        (2026, None, None, None),
    ]
    assert unasked[0]["source_url"] == "https://github.com/StackExchange/Survey/tree/main/packages/archive/2025"
    assert world.asked("/surveys/202[56]") == 0


def test_the_cited_figures_are_counted_as_rows(gather):
    outcome = gather("surveys", since=date(2000, 1, 1), until=date(2000, 12, 31))
    lines = (cited.FOLDER / "surveys.csv").read_text("utf-8").splitlines()
    assert (outcome.rows, outcome.new, outcome.requests, outcome.left) == (len(lines) - 1, 0, 0, "")


def test_no_answer_of_a_person_and_no_file_is_kept(gather, settings):
    gather("surveys")
    bodies = b"".join(answer.body for answer in Archive(settings.raw).responses())
    assert [word for word in (b"Korea", b"Two lines", b"Python;R", b"I am a student") if word in bodies] == []
    assert [path.name for path in settings.home.rglob("*.csv")] == []
    assert not (settings.home / "downloads" / "surveys").exists()


def test_the_counts_name_their_file_and_licence(world, gather, settings):
    gather("surveys")
    (counts,) = [answer for answer in Archive(settings.raw).responses() if answer.params.get("last")]
    body = polls.results_csv(2024)
    assert (counts.status, counts.url) == (None, f"{world.survey_base}/2024/results.csv")
    assert (counts.params["file"], counts.params["bytes"]) == ("results.csv", len(body))
    assert (counts.params["kind"], counts.params["licence"]) == ("stackoverflow", "ODbL 1.0")


def test_a_git_lfs_pointer_is_named_gives_no_fact_and_the_next_year_is_counted(world, gather, counted, archived):
    world.surveys.pointers.add(2024)
    outcome = gather("surveys")
    (pointer,) = archived("surveys")
    assert outcome.failed == [
        "Stack Overflow 2024: results.csv: is a Git LFS pointer, not the answers: fetch the file itself with "
        f"`git lfs pull` (raw answer {pointer.response_id})"
    ]
    assert (pointer.status, pointer.body) == (200, b"version https://git-lfs.github.com/spec/v1")
    assert counted(2024) == {}
    assert counted(2023) == polls.truth(2023)["all"]
    assert outcome.left == "7 years of Stack Overflow's survey"
    world.surveys.pointers.clear()
    assert gather("surveys", since=date(2024, 1, 1)).failed == []
    assert counted(2024) == polls.truth(2024)["all"]


def test_a_file_of_another_year_is_no_fact(world, gather, counted):
    world.surveys._files[2024] = polls.results_csv(2018)
    outcome = gather("surveys", since=date(2024, 1, 1))
    assert outcome.failed[0].startswith("Stack Overflow 2024: results.csv: holds the answers of stackoverflow 2018")
    assert (counted(2024), counted(2018)) == ({}, {})


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        ("html", "results.csv: is a web page, expected a survey's answers (CSV)"),
        ("empty", "results.csv: is empty, expected a survey's answers (CSV)"),
        ("truncated", "results.csv: is cut short: its last line has no end"),
        ("invalid-utf8", "results.csv: is not UTF-8 text"),
        ("broken-off", "the answer broke off before its end"),
        ("404", "Stack Overflow's survey archive answered with status 404"),
    ],
)
def test_a_lasting_fault_is_named_and_the_next_run_mends_it(world, gather, rows, counted, settings, kind, line):
    world.fault(kind, "/surveys/2024", count=-1)
    outcome = gather("surveys", since=date(2024, 1, 1))
    assert len(outcome.failed) == 1
    assert outcome.failed[0].startswith(f"Stack Overflow 2024: {line}")
    assert [row for row in rows("survey_answers") if row["asked"]] == []
    assert outcome.left == "1 year of Stack Overflow's survey"
    assert not (settings.home / "downloads" / "surveys").exists()
    world.faults.clear()
    assert gather("surveys", since=date(2024, 1, 1)).failed == []
    assert counted(2024) == polls.truth(2024)["all"]


def test_three_unusable_files_in_a_row_end_the_run(world, gather):
    world.fault("html", "/surveys", count=-1)
    outcome = gather("surveys")
    assert (len(outcome.failed), outcome.requests) == (4, 3)
    assert outcome.failed[3] == "Stack Overflow's survey archive gave no usable file 3 times in a row"
    assert outcome.left == "8 years of Stack Overflow's survey"


def test_three_years_that_are_never_given_do_not_starve_the_older_ones(world, gather, counted):
    world.fault("404", "/surveys/(2024|2023|2022)", count=-1)
    gather("surveys")
    outcomes = [gather("surveys") for _ in range(5)]
    assert [outcome.failed for outcome in outcomes] == [[]] * 5
    assert counted(2017) == polls.truth(2017)["all"]
    last = gather("surveys")
    assert (len(last.failed), last.left) == (4, "3 years of Stack Overflow's survey")


def handful(year: int, people: int) -> bytes:
    """The beginning of a year's file, up to that many respondents who answered the question."""
    header, *rows = csv.reader(io.StringIO(polls.results_csv(year).decode(), newline=""))
    answered = [row for row in rows if row[header.index(polls.column(year))] not in ("", "NA")]
    text = io.StringIO(newline="")
    csv.writer(text).writerows([header, *answered[:people]])
    return text.getvalue().encode()


def test_a_year_of_a_handful_is_noticed_gives_no_fact_and_is_asked_again_later(world, gather, counted, archived):
    world.surveys._files[2024] = handful(2024, 99)
    outcome = gather("surveys")
    (head,) = archived("surveys")
    assert (outcome.failed, outcome.refused) == ([], ["Stack Overflow 2024"])
    assert outcome.noticed == [
        "Stack Overflow 2024: only 99 respondents answered the question of 2024: its answers are still to be had whole "
        f"(raw answer {head.response_id})"
    ]
    assert (counted(2024), counted(2023)) == ({}, polls.truth(2023)["all"])
    assert outcome.left == "7 years of Stack Overflow's survey"
    world.surveys._files.clear()
    gather("surveys", since=date(2024, 1, 1))
    assert counted(2024) == polls.truth(2024)["all"]


def test_a_hundred_respondents_are_a_survey(world, gather, counted):
    world.surveys._files[2024] = handful(2024, 100)
    outcome = gather("surveys", since=date(2024, 1, 1))
    assert (outcome.noticed, outcome.left, counted(2024)[""]) == ([], "", 100)


def test_an_imported_handful_is_counted_with_a_notice_and_the_year_is_asked_all_the_same(
    world, bring, gather, counted, tmp_path
):
    outcome = bring("survey", written(tmp_path, "results-2024.csv", handful(2024, 1)))
    assert outcome.noticed == [
        "results-2024.csv: only 1 respondent answered the question of 2024: its answers are still to be had whole"
    ]
    assert (outcome.failed, counted(2024)[""]) == ([], 1)
    gather("surveys", since=date(2024, 1, 1))
    assert world.asked("/surveys/2024") == 1


def test_a_limit_ends_the_run_and_says_when_to_come_back(world, gather, counted):
    world.fault("429", "/surveys", retry_after="7200")
    outcome = gather("surveys")
    assert (outcome.failed, outcome.retry_at) == ([], NOW + timedelta(hours=2))
    assert outcome.left == "8 years of Stack Overflow's survey"
    gather("surveys")
    assert counted(2024) == polls.truth(2024)["all"]


def test_a_host_that_refuses_is_named_once(gather):
    outcome = gather("surveys", survey_base="http://127.0.0.1:9")
    assert outcome.failed == ["Stack Overflow's survey archive at 127.0.0.1:9 cannot be reached: connection refused"]
    assert (outcome.reached, outcome.left) == (False, "8 years of Stack Overflow's survey")


def test_what_a_killed_run_left_is_removed(gather, settings):
    left = written(settings.home, "downloads/surveys/4711-abc", b"half a file")
    gather("surveys")
    assert not left.exists()


def test_since_and_until_choose_the_years(world, gather, rows):
    outcome = gather("surveys", since=date(2019, 5, 1), until=date(2020, 2, 1))
    assert [path for path in world.requests if "/surveys" in path] == ["/surveys/2020/results.csv"]
    assert outcome.left == "1 year of Stack Overflow's survey"
    assert {row["year"] for row in rows("survey_answers")} == {2020}


def test_every_option_is_counted_so_a_new_framework_asks_nothing_again(world, gather, counted, settings):
    gather("surveys", since=date(2024, 1, 1))
    assert counted(2024)["Hadoop"] == polls.truth(2024)["all"]["Hadoop"]
    with settings.user_registry.open("a") as file:
        file.write(
            '[[framework]]\nid = "hadoop"\nname = "Hadoop"\ncolour = "#123456"\nfirst_released_on = 2006-04-01\n'
            'status = "active"\nsurvey_labels = ["Hadoop"]\n'
        )
    assert gather("surveys", ["hadoop"], since=date(2024, 1, 1)).requests == 0


def test_the_plan_is_one_file_and_says_what_is_left(gather, planned):
    before = planned("surveys")
    assert (before.calls, before.left) == (1, "7 years of Stack Overflow's survey")
    assert before.budget == "a file (200 MB) a run"
    for _ in range(8):
        gather("surveys")
    after = planned("surveys")
    assert (after.calls, after.seconds, after.left) == (0, 0, "")


# Brought as files


@pytest.mark.parametrize("year", range(2017, 2025))
def test_a_file_with_its_year_in_its_name_is_counted(bring, counted, tmp_path, year):
    outcome = bring("survey", written(tmp_path, f"results-{year}.csv", polls.results_csv(year)))
    assert (outcome.failed, outcome.noticed) == ([], [])
    assert counted(year) == polls.truth(year)["all"]
    assert outcome.new == outcome.rows == len(polls.options(year)) * (1 if year == 2018 else 2)


def test_an_imported_year_is_not_asked_again(world, bring, gather, tmp_path):
    bring("survey", written(tmp_path, "results-2024.csv", polls.results_csv(2024)))
    assert gather("surveys").failed == []
    assert [path for path in world.requests if "/surveys" in path] == ["/surveys/2023/results.csv"]


def test_without_an_address_the_official_archive_is_the_source(bring, rows, tmp_path):
    bring("survey", written(tmp_path, "2021/results.csv", polls.results_csv(2021)))
    assert {row["source_url"] for row in rows("survey_answers")} == {
        "https://github.com/StackExchange/Survey/tree/main/packages/archive/2021"
    }


def test_an_address_is_fetched_and_is_the_source_without_its_key(world, bring, counted, rows, settings):
    outcome = bring("survey", f"{world.survey_base}/2021/results.csv?signature=s3cret")
    assert outcome.failed == []
    assert counted(2021) == polls.truth(2021)["all"]
    assert {row["source_url"] for row in rows("survey_answers")} == {f"{world.survey_base}/2021/results.csv"}


@pytest.mark.parametrize("year", [2019, 2021])
def test_a_year_that_nothing_tells_is_asked_for(bring, rows, tmp_path, year):
    outcome = bring("survey", written(tmp_path, "answers/results.csv", polls.results_csv(year)))
    years = {2019: "2019 or 2020", 2021: "2021 or 2022 or 2023 or 2024"}[year]
    assert outcome.failed == [
        f"results.csv: its columns fit {years}: give it, or its folder, a name with the year, "
        f"for instance results-{year}.csv"
    ]
    assert rows("survey_answers") == []


def test_two_years_in_a_name_tell_none(bring, tmp_path):
    outcome = bring("survey", written(tmp_path, "2021-2022.csv", polls.results_csv(2021)))
    assert outcome.failed[0].startswith("2021-2022.csv: its columns fit 2021 or 2022 or 2023 or 2024")


def test_a_day_of_download_in_the_name_is_no_year_of_the_survey(bring, counted, tmp_path):
    bring("survey", written(tmp_path, "2022/results-2026-11-23.csv", polls.results_csv(2022)))
    assert counted(2022) == polls.truth(2022)["all"]


def test_a_survey_that_did_not_ask_is_not_zero(bring, rows, tmp_path):
    assert bring("survey", written(tmp_path, "results-2025.csv", polls.results_csv(2025))).failed == []
    assert [(row["year"], row["asked"], row["label"], row["respondents"]) for row in rows("survey_answers")] == [
        (2025, False, None, None)
    ]


def test_a_survey_that_asked_is_not_taken_for_one_that_did_not(bring, rows, tmp_path):
    lines = list(csv.reader(io.StringIO(polls.results_csv(2022).decode(), newline="")))
    text = io.StringIO(newline="")
    csv.writer(text).writerows([*row[:3], *row[5:]] for row in lines)
    outcome = bring("survey", written(tmp_path, "results-2022.csv", text.getvalue().encode()))
    assert outcome.failed[0].startswith("results-2022.csv: its columns fit 2025 or 2026")
    assert rows("survey_answers") == []


def test_gzip_and_zip_are_opened_and_the_members_name_tells_the_year(bring, counted, tmp_path):
    body = polls.results_csv(2020)
    members = {"readme.pdf": b"x", "survey_results_schema.csv": b"a,b\n", "survey_results_public.csv": body}
    whole = {"so-2021/survey_results_public.csv": polls.results_csv(2021), "__MACOSX/results_public.csv": b""}
    outcome = bring(
        "survey",
        zipped(tmp_path, "developer_survey_2020.zip", members),
        zipped(tmp_path, "download.zip", whole),
        written(tmp_path, "results-2019.csv.gz", gzip.compress(polls.results_csv(2019))),
    )
    assert outcome.failed == []
    assert [counted(year) for year in (2019, 2020, 2021)] == [polls.truth(year)["all"] for year in (2019, 2020, 2021)]


def test_a_byte_order_mark_and_other_line_ends_change_nothing(bring, counted, tmp_path):
    body = polls.results_csv(2018).replace(b"\n", b"\r\n")
    bring("survey", written(tmp_path, "results.csv", b"\xef\xbb\xbf" + body))
    assert counted(2018) == polls.truth(2018)["all"]


def test_an_option_named_twice_by_a_person_counts_once(bring, counted, tmp_path):
    body = b"Respondent,HaveWorkedFramework\n1,Keras; Keras;TensorFlow\n2,NA\n3,\n4, ; \n5,Keras\n"
    bring("survey", written(tmp_path, "results.csv", body))
    assert counted(2017) == {"": 2, "Keras": 2, "TensorFlow": 1}


@pytest.mark.parametrize("year", range(2018, 2023))
def test_kaggles_answers_are_counted_for_all_and_for_data_scientists(bring, counted, tmp_path, year):
    outcome = bring("survey", written(tmp_path, f"kaggle_survey_{year}_responses.csv", polls.kaggle_csv(year)))
    assert outcome.failed == []
    # Offered, and ticked by nobody: a real zero.
    assert counted(year, EVERYBODY, "kaggle") == polls.kaggle_truth(year)["all"] | {"Other": 0}
    assert counted(year, SCIENTISTS, "kaggle") == polls.kaggle_truth(year)["data_scientists"] | {"Other": 0}


def test_kaggles_archive_names_the_answers_among_its_files(bring, counted, rows, tmp_path):
    members = {"freeFormResponses.csv": b"a\n", "multipleChoiceResponses.csv": polls.kaggle_csv(2018)}
    assert bring("survey", zipped(tmp_path, "archive.zip", members)).failed == []
    assert counted(2018, EVERYBODY, "kaggle") == polls.kaggle_truth(2018)["all"] | {"Other": 0}
    assert {row["source_url"] for row in rows("survey_answers")} == {
        "https://www.kaggle.com/datasets/kaggle/kaggle-survey-2018"
    }


def test_kaggles_free_texts_are_no_options(bring, tmp_path):
    question = "What machine learning frameworks have you used? - {}"
    texts = [question.format("Selected Choice - Keras"), question.format("Other - Text")]
    body = f"Q19_Part_1,Q19_OTHER_TEXT\n{','.join(texts)}\nKeras,-1\n,-1\n"
    counts = count_of(written(tmp_path, "responses.csv", body.encode()))
    assert counts["populations"] == {EVERYBODY: {"base": 1, "labels": {"Keras": 1}}}


def test_a_kaggle_file_coded_by_numbers_is_refused(bring, tmp_path):
    body = "Q19_Part_1\nWhat machine learning frameworks? - Selected Choice - Keras\n1\n"
    outcome = bring("survey", written(tmp_path, "responses.csv", body.encode()))
    assert outcome.failed == ["responses.csv: column Q19_Part_1: expected 'Keras', found '1'"]


def test_papers_with_code_is_counted_by_month_of_the_paper_and_label(bring, rows, tmp_path, settings):
    outcome = bring("survey", written(tmp_path, "links.parquet", polls.papers_with_code()))
    found = {(f"{row['month']:%Y-%m}", row["label"]): row["repositories"] for row in rows("implementations")}
    assert found == polls.papers_with_code_truth()
    assert outcome.noticed == ["links.parquet: 120 papers without an arXiv id are counted in no month"]
    (counts,) = [answer for answer in Archive(settings.raw).responses() if answer.params.get("last")]
    assert counts.params["papers_without_arxiv_id"] == 120
    assert counts.params["licence"] == "CC-BY-SA-4.0"


def test_a_repository_counts_once_a_month_and_label(bring, rows, tmp_path):
    bring(
        "survey",
        links(
            tmp_path,
            ("p1", "2006.10001", "https://github.com/a/b", "tf"),
            ("p2", "2006.10002v3", "https://github.com/a/b", "tf"),
            ("p2", "2006.10002", "https://github.com/c/d", None),
            ("p3", "cs.LG/0501001", "https://github.com/a/b", "tf"),
            ("p4", "2613.00001", "https://github.com/e/f", "tf"),
            ("p5", "9912.00001", "https://github.com/e/f", "tf"),
        ),
    )
    assert [(row["month"], row["label"], row["repositories"]) for row in rows("implementations")] == [
        (date(2005, 1, 1), "tf", 1),
        (date(2020, 6, 1), "tf", 1),
    ]


@pytest.mark.parametrize(
    ("arxiv_id", "month"),
    [
        ("1605.08386", "2016-05"),
        ("0704.0001v2", "2007-04"),
        ("quant-ph/0201082", "2002-01"),
        ("math.GT/9909001", "1999-09"),
        ("0703.0001", None),
        ("1613.00001", None),
        ("none", None),
        ("", None),
    ],
)
def test_an_arxiv_id_tells_its_month(arxiv_id, month):
    assert month_of(arxiv_id) == month


def test_a_parquet_file_of_something_else_is_refused(bring, tmp_path):
    pq.write_table(pa.table({"a": [1]}), tmp_path / "other.parquet")
    body = polls.papers_with_code()
    outcome = bring("survey", tmp_path / "other.parquet", written(tmp_path, "half.parquet", body[: len(body) // 2]))
    assert outcome.failed[0] == (
        "other.parquet: has no column paper_url, expected paper_url, paper_arxiv_id, repo_url, framework"
    )
    assert outcome.failed[1].startswith("half.parquet: is damaged or cut short: ")


def test_a_file_is_imported_once_and_a_bad_one_stops_no_other(bring, rows, tmp_path):
    good = written(tmp_path, "results-2021.csv", polls.results_csv(2021))
    bad = written(tmp_path, "pointer.csv", polls.pointer(2022))
    outcome = bring("survey", bad, tmp_path / "absent.csv", good, good)
    assert [line.partition(": ")[2][:21] for line in outcome.failed] == [
        "is a Git LFS pointer,",
        "cannot be read: No su",
    ]
    assert outcome.noticed == ["results-2021.csv: was imported before"]
    before = rows("survey_answers")
    assert (bring("survey", good).new, rows("survey_answers")) == (0, before)


@pytest.mark.parametrize(
    ("body", "line"),
    [
        (b"", "is empty, expected a survey's answers (CSV)"),
        (b"<html>\n", "is a web page, expected a survey's answers (CSV)"),
        (b"a,b\n1,2\n", "is no survey that dlpulse knows: expected Stack Overflow's results"),
        (b"Respondent,FrameworkWorkedWith\n1,Keras\n2\n", "row 3 has 1 cells, expected 2: cut short?"),
        (b"Respondent,FrameworkWorkedWith\n1,Keras", "is cut short: its last line has no end"),
        (b"Respondent,FrameworkWorkedWith\n1,NA\n", "nobody answered the question on frameworks"),
        (b'Respondent,FrameworkWorkedWith\n1,"Keras\n', "line 3 is not CSV: unexpected end of data"),
        (b"Respondent,FrameworkWorkedWith\n1,\xff\xfe\n", "is not UTF-8 text"),
        (b"Respondent,FrameworkWorkedWith\n1,Keras\n" * 2, "its header stands there twice"),
        (b"Respondent,FrameworkWorkedWith\n" + b"x" * 2**21, "has an endless line"),
        (b"Respondent,FrameworkWorkedWith\n" + b"".join(b"1,a%d\n" % n for n in range(600)), "more than 500 different"),
        (b"\x1f\x8b\x08\x00cut short", "is damaged or cut short"),
        (b"PK\x03\x04not a zip", "is damaged or cut short"),
    ],
)
def test_what_is_no_survey_gets_one_line_and_gives_no_fact(bring, rows, tmp_path, body, line):
    outcome = bring("survey", written(tmp_path, "results-2018.csv", body))
    assert [text.count("\n") for text in outcome.failed] == [0]
    assert outcome.failed[0].startswith(f"results-2018.csv: {line}")
    assert rows("survey_answers") == []


@limits(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, len(polls.results_csv(2024)) - 1))
def test_a_file_cut_anywhere_but_after_a_row_is_refused(tmp_path, at):
    body = polls.results_csv(2024)[:at]
    whole = body.endswith(b"\n") and all(len(row) == 7 for row in csv.reader(io.StringIO(body.decode(), newline="")))
    path = written(tmp_path, "results-2024.csv", body)
    if not whole:
        with pytest.raises(BadInputError):
            count_of(path)


def test_a_large_file_needs_no_more_memory_than_a_small_one(tmp_path):
    header, _, rest = polls.results_csv(2021).partition(b"\n")
    path = written(tmp_path, "results-2021.csv", header + b"\n" + rest * 200)
    tracemalloc.start()
    counts = count_of(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert counts["populations"][EVERYBODY]["base"] == 200 * polls.truth(2021)["all"][""]
    assert (path.stat().st_size > 5_000_000, peak < 2_000_000) == (True, True)


def test_a_stop_ends_the_reading_in_the_middle_of_a_file(tmp_path):
    header, _, rest = polls.results_csv(2021).partition(b"\n")
    path = written(tmp_path, "results-2021.csv", header + b"\n" + rest * 3)
    stop = threading.Event()
    stop.set()
    with pytest.raises(Stopped):
        count(InputFile.of(path), stop)


def test_the_command_imports_and_says_so_by_its_exit_code(dlpulse, tmp_path):
    good = written(tmp_path, "results-2021.csv", polls.results_csv(2021))
    bad = written(tmp_path, "pointer.csv", polls.pointer(2022))
    done = dlpulse("import", "survey", str(good))
    assert (done.returncode, done.stderr.splitlines()[1].split()[:5]) == (0, ["surveys", "0", "12", "12", "0"])
    failed = dlpulse("import", "survey", str(bad))
    assert failed.returncode == 1
    assert "surveys: pointer.csv: is a Git LFS pointer" in failed.stderr
    assert "Traceback" not in failed.stderr


def count_of(path: Path):
    return count(InputFile.of(path), threading.Event())
