"""The mention rules against 151 papers read by hand and against invented texts, through a real build.

`mention_labels.csv` holds what the reading found, not what the rules say; docs/mentions.md tells how it was read.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import urlopen

import duckdb
import pytest

from tests.conftest import ROOT
from tests.world import World
from tests.world.corpus import CATEGORIES, Paper, recorded
from warehouse import registry
from warehouse.build import build
from warehouse.raw import Archive
from warehouse.settings import Settings

READ_ON = datetime(2018, 2, 1)
# Words that every abstract holds; arXiv is asked for phrases or it refuses.
EVERYTHING = 'abs:"a" OR abs:"the" OR abs:"in"'
LABELS = Path(__file__).with_name("mention_labels.csv")
PAGE = ROOT / "docs" / "mentions.md"

# Right, wrongly found, missed: by framework, over the 151 papers. paddlepaddle and jax are in none of them.
COUNTS = {
    "keras": (10, 0, 0),
    "pytorch": (10, 0, 0),
    "tensorflow": (76, 0, 0),
    "jax": (0, 0, 0),
    "paddlepaddle": (0, 0, 0),
    "mxnet": (8, 0, 0),
    "caffe": (31, 1, 0),
    "cntk": (8, 0, 0),
    "theano": (22, 0, 0),
    "torch7": (19, 0, 4),
    "chainer": (2, 0, 0),
}
KNOWN_ERRORS = {
    ("1606.02228", "caffe"): "found: 'the full size Caffe and VGG nets' are two networks, CaffeNet and VGGNet",
    ("1511.07889", "torch7"): "missed: 'Recurrent Library for Torch', without Lua or another framework",
    ("1603.00806", "torch7"): "missed: 'plugin for Torch, a popular Neural Network framework', without either",
    ("1606.04884", "torch7"): "missed: 'the Torch neural network framework', without either",
    ("1711.00705", "torch7"): "missed: 'the Torch framework', without either",
}

NONE: frozenset[str] = frozenset()
# Text and the frameworks it names; the rules get these right.
RIGHT = [
    ("We use Keras with its default settings.", {"keras"}),
    ("We do not use Keras.", {"keras"}),
    ("KERAS models were trained for ten epochs.", {"keras"}),
    ("Code: https://github.com/someone/unet-keras.", {"keras"}),
    ("Sistem ini dibangun dari perangkat keras dan perangkat lunak.", NONE),
    ("A search by AutoKeras found the network.", NONE),
    ("All layers are written in Pytorch.", {"pytorch"}),
    ("Code: https://github.com/someone/net.pytorch", {"pytorch"}),
    ("PyTorch offers dynamic graphs, as TensorFlow does since 2019.", {"pytorch", "tensorflow"}),
    ("We train with tensorflow on one GPU.", {"tensorflow"}),
    ("The layers exist in TensorFlow2.", {"tensorflow"}),
    ("The layers exist in Google's Tensor Flow.", {"tensorflow"}),
    ("A tensor flow on a manifold evolves its metric.", NONE),
    ("Simulations in JAX run on accelerators.", {"jax"}),
    ("Our Jax-based sampler is differentiable.", {"jax"}),
    ("Code: https://github.com/someone/sampler-jax", {"jax"}),
    ("Mice came from the Jackson Laboratory; see www.informatics.jax.org.", NONE),
    ("Services written with JAX-RS are classified.", NONE),
    ("Mice of the Jackson Laboratory (JAX) were imaged.", NONE),
    ("PaddlePaddle runs the ranking in production.", {"paddlepaddle"}),
    ("The wheel has twelve paddles; a Paddle Wheel boat was filmed.", NONE),
    ("Gluon is the interface of MxNet.", {"mxnet"}),
    ("BMXNet binarizes the weights.", NONE),
    ("The net was trained in Caffe.", {"caffe"}),
    ("The net was trained in CAFFE.", {"caffe"}),
    ("We port models from caffe to TensorFlow.", {"caffe", "tensorflow"}),
    ("Code: https://github.com/someone/caffe/tree/ours", {"caffe"}),
    ("Dialogues at the bar: un caffe latte, a coffee, and un Caffè Greco.", NONE),
    ("Features come from CaffeNet.", NONE),
    ("Training uses Caffe2-based servers.", NONE),
    ("Code: https://github.com/caffe-lover/robots", NONE),
    ("We extend CNTK by one reader.", {"cntk"}),
    ("The convolutional neural tangent kernel (CNTK) is exact.", NONE),
    ("The Microsoft Cognitive Toolkit trains it.", {"cntk"}),
    ("Gradients are computed by theano.", {"theano"}),
    ("THEANO compiles the graph.", {"theano"}),
    ("Scores come from TheanoLM.", NONE),
    ("We use torch7.", {"torch7"}),
    ("We use Torch 7, elsewhere called Torch-7.", {"torch7"}),
    ("Models written for Torch in Lua are converted.", {"torch7"}),
    ("Models written for Torch and Theano are converted.", {"torch7", "theano"}),
    ("A plasma torch 7 cm above the sample etches it; TensorFlow fits the rate.", {"tensorflow"}),
    ("They carry the torch for symbolic methods.", NONE),
    ("The Olympic Torch relay was filmed.", NONE),
    ("Screening for TORCH infections of newborns is learned with Keras.", {"keras"}),
    ("Chainer defines by run.", {"chainer"}),
    ("ChainerMN scales to 1024 GPUs.", {"chainer"}),
    ("The agents come with ChainerRL.", {"chainer"}),
    ("The detectors come with ChainerCV.", {"chainer"}),
    ("Code: https://github.com/someone/gan-chainer", {"chainer"}),
    ("On peut chainer les modules.", NONE),
]
# Text, what the rules say of it, what is true, and why they cannot know better.
LIMITS = [
    ("The identity of Keras and Iliadis is extended.", {"keras"}, NONE, "a surname"),
    ("Layers of tf.keras are used.", NONE, {"keras"}, "lower case outside an address"),
    ("Mice of the strain B6 (JAX) were imaged.", {"jax"}, NONE, "the Jackson Laboratory's short name"),
    ("Theano of Croton taught mathematics.", {"theano"}, NONE, "a given name"),
    ("Reviews of Caffe Nero are classified.", {"caffe"}, NONE, "a coffee house"),
    ("We present CAFFE, Coarse Alignment For Face Embedding.", {"caffe"}, NONE, "an acronym"),
    ("We train with Caffe 2.", {"caffe"}, NONE, "another framework, written with a space"),
    ("We train with caffe.", NONE, {"caffe"}, "lower case without another framework"),
    ("Training runs on Baidu's Paddle.", NONE, {"paddlepaddle"}, "the short name alone"),
    ("A Forward Chainer derives the facts.", {"chainer"}, NONE, "an inference engine"),
    ("We use the Torch framework.", NONE, {"torch7"}, "without Lua or another framework"),
    ("Olympic Torch images are sorted with Keras.", {"torch7", "keras"}, {"keras"}, "a proper name beside a framework"),
    ("Torch 2.1 and Keras are used.", {"torch7", "keras"}, {"pytorch", "keras"}, "short for PyTorch"),
    ("Py-Torch and Keras are used.", {"torch7", "keras"}, {"pytorch", "keras"}, "a hyphen in PyTorch"),
]  # fmt: skip
INVENTED = [text for text, *_ in RIGHT] + [text for text, *_ in LIMITS]

Mentions = Mapping[str, set[str]]


def invented_id(text: str) -> str:
    return f"1801.{INVENTED.index(text):05d}"


@pytest.fixture(scope="module")
def sample(shared_data: Path) -> list[Paper]:
    """The 151 recorded papers."""
    return recorded(shared_data / "arxiv" / "mentions-2014-2017.jsonl.gz")


@pytest.fixture(scope="module")
def invented() -> list[Paper]:
    """One paper for each invented text; it stands in the abstract."""
    day = date(2018, 1, 2)
    return [Paper(invented_id(text), day, ("cs.LG",), "In a title", f"In this: {text}") for text in INVENTED]


@pytest.fixture(scope="module")
def found(
    sample: list[Paper], invented: list[Paper], shared_data: Path, tmp_path_factory: pytest.TempPathFactory
) -> Mentions:
    """What a build from the archived feed says: the frameworks named by each paper, by arxiv_id."""
    home = tmp_path_factory.mktemp("mentions")
    settings = Settings(home=home, raw=home / "raw")
    with World(shared_data) as world:
        world.arxiv.papers = sample + invented
        address = f"{world.arxiv_api}?{urlencode({'search_query': EVERYTHING, 'max_results': 2000})}"
        with urlopen(address, timeout=60) as page, Archive(settings.raw).start("papers", lambda: READ_ON) as run:
            body, window = page.read(), {"kind": "window"}
            run.write("window:2014..2018", body, url="https://x/q", params=window, status=page.status)
    build(settings, registry.load(settings))
    with duckdb.connect(str(settings.database), read_only=True) as connection:
        rows = connection.execute(
            """
            select arxiv_id, list(framework_id) filter (framework_id is not null)
            from fct_papers
            left join fct_mentions using (arxiv_id)
            group by arxiv_id
            """
        ).fetchall()
    return {arxiv_id: set(frameworks or ()) for arxiv_id, frameworks in rows}


@pytest.fixture(scope="module")
def labels() -> Mentions:
    """What the reading found: the frameworks that each paper names, by arxiv_id."""
    read: dict[str, set[str]] = {}
    with LABELS.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            read.setdefault(row["arxiv_id"], set()).update(filter(None, [row["framework_id"]]))
    return read


def test_every_paper_of_the_sample_was_read_and_built(labels: Mentions, found: Mentions, sample: list[Paper]) -> None:
    identifiers = {paper.arxiv_id for paper in sample}
    assert len(identifiers) == 151
    assert labels.keys() == identifiers
    assert found.keys() == identifiers | {invented_id(text) for text in INVENTED}


def test_the_reading_found_190_mentions_in_134_papers(labels: Mentions) -> None:
    assert sum(map(len, labels.values())) == 190
    assert sum(map(bool, labels.values())) == 134


@pytest.mark.parametrize("framework", COUNTS)
def test_right_wrongly_found_and_missed_are_as_counted(framework: str, labels: Mentions, found: Mentions) -> None:
    truth = {arxiv_id for arxiv_id, named in labels.items() if framework in named}
    said = {arxiv_id for arxiv_id in labels if framework in found[arxiv_id]}
    assert (len(said & truth), len(said - truth), len(truth - said)) == COUNTS[framework]


def test_every_disagreement_with_the_reading_is_a_known_error(labels: Mentions, found: Mentions) -> None:
    disagreements = {
        (arxiv_id, framework): "missed" if framework in named else "found"
        for arxiv_id, named in labels.items()
        for framework in named ^ found[arxiv_id]
    }
    assert disagreements == {error: reason.partition(":")[0] for error, reason in KNOWN_ERRORS.items()}


@pytest.mark.parametrize(("text", "frameworks"), RIGHT)
def test_a_text_names_the_frameworks_it_means(text: str, frameworks: set[str], found: Mentions) -> None:
    assert found[invented_id(text)] == frameworks


@pytest.mark.parametrize(("text", "said", "truth", "reason"), LIMITS)
def test_a_known_limit_of_the_rules_is_as_described(
    text: str, said: set[str], truth: set[str], reason: str, found: Mentions
) -> None:
    assert found[invented_id(text)] == said != truth


def test_the_phrases_asked_from_arxiv_find_every_mention_that_the_rules_find(
    sample: list[Paper], invented: list[Paper], found: Mentions, tmp_path: Path
) -> None:
    frameworks = registry.load(Settings(home=tmp_path, raw=tmp_path)).frameworks
    unasked = [
        (paper.arxiv_id, framework)
        for paper in sample + invented
        for framework in found[paper.arxiv_id]
        if not any(
            paper.names(field, phrase) for field in ("ti", "abs") for phrase in frameworks[framework].arxiv_query
        )
    ]
    assert unasked == []


def test_a_third_of_the_sample_lies_outside_the_six_categories(sample: list[Paper], labels: Mentions) -> None:
    outside = [paper.arxiv_id for paper in sample if not set(CATEGORIES) & set(paper.categories)]
    assert (len(outside), sum(len(labels[arxiv_id]) for arxiv_id in outside)) == (45, 45)


def share(part: int, others: int) -> str:
    return f"{part / (part + others):.2f}" if part + others else "–"


def test_the_table_of_the_documentation_is_what_was_counted() -> None:
    rows = re.findall(r"^\| (\w+) \| (\d.*) \|$", PAGE.read_text("utf-8"), re.MULTILINE)
    assert rows == [
        (name, f"{right} | {wrong} | {missed} | {share(right, wrong)} | {share(right, missed)}")
        for name, (right, wrong, missed) in COUNTS.items()
    ]
