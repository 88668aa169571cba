"""frameworks.toml: what is shipped is whole, and each fault gets one line that names file, framework and fault."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from warehouse import registry
from warehouse.errors import BadInputError
from warehouse.settings import Settings

BLOCK = """
[[framework]]
id = "{id}"
name = "Mine"
colour = "#112233"
first_released_on = 2020-01-01
status = "active"
repositories = [{{ name = "{repo}" }}]
"""


def load(tmp_path: Path, text: str | None = None, *, alone: bool = False) -> registry.Registry:
    file = tmp_path / "frameworks.toml"
    if text is not None:
        file.write_text(text, "utf-8")
    return registry.load(Settings(home=tmp_path, raw=tmp_path / "raw", registry_file=file if alone else None))


def test_the_eleven_frameworks_are_shipped_with_their_former_names(tmp_path: Path) -> None:
    frameworks = load(tmp_path).frameworks
    assert set(frameworks) == {
        "keras", "pytorch", "tensorflow", "cntk", "theano", "mxnet",
        "caffe", "torch7", "chainer", "paddlepaddle", "jax",
    }  # fmt: skip
    assert frameworks["mxnet"].repositories[0].formerly == ("dmlc/mxnet", "apache/incubator-mxnet")
    assert len({framework.colour for framework in frameworks.values()}) == 11
    assert all(framework.arxiv_rules and framework.survey_labels for framework in frameworks.values())


def test_the_users_file_adds_to_and_replaces_the_shipped_frameworks(tmp_path: Path) -> None:
    text = BLOCK.format(id="tinygrad", repo="tinygrad/tinygrad") + BLOCK.format(id="keras", repo="me/keras")
    frameworks = load(tmp_path, text).frameworks
    assert len(frameworks) == 12
    assert frameworks["keras"].repositories[0].name == "me/keras"


def test_a_registry_option_stands_alone(tmp_path: Path) -> None:
    assert set(load(tmp_path, BLOCK.format(id="mine", repo="me/mine"), alone=True).frameworks) == {"mine"}


GOOD = BLOCK.format(id="mine", repo="me/mine")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (GOOD + GOOD, "framework 'mine' stands there twice"),
        (
            BLOCK.format(id="mine", repo="no-slash"),
            "framework 'mine': repository 'no-slash' is malformed; expected owner/name",
        ),
        (GOOD + 'color = "#112233"', "framework 'mine': unknown key 'color'; did you mean colour?"),
        (GOOD.replace("#112233", "red"), "colour 'red' is malformed; expected #rrggbb"),
        (GOOD.replace("2020-01-01", '"2020"'), "first_released_on '2020' is not a date"),
        (GOOD.replace('"active"', '"alive"'), "status 'alive' is not one of active, maintenance"),
        (GOOD.replace('name = "Mine"\n', ""), "framework 'mine': name is missing"),
        (GOOD + 'arxiv = { rules = [{ match = "(" }] }', "arxiv rule '(' is not a regular expression"),
        (GOOD + BLOCK.format(id="other", repo="ME/mine"), "repository 'me/mine' stands under both 'mine' and 'other'"),
        (
            GOOD + 'survey_labels = ["X"]' + BLOCK.format(id="other", repo="you/other") + 'survey_labels = ["X"]',
            "survey label 'X' stands under both 'mine' and 'other'",
        ),
        (
            GOOD + 'arxiv = { rules = [{ match = "(?<!a)X" }] }',
            "arxiv rule '(?<!a)X' is not a regular expression of RE2",
        ),
        (GOOD + 'arxiv = { rules = [{ match = "X", beside = "[" }] }', "arxiv rule '[' is not a regular expression"),
        (GOOD + 'arxiv = { rules = [{ match = "X", beside = 1 }] }', "beside of an arxiv rule must be a text, found 1"),
        (
            GOOD + 'arxiv = { rules = [{ match = "X", beside_framework = "yes" }] }',
            "beside_framework of an arxiv rule must be true or false, found 'yes'",
        ),
        (GOOD + 'arxiv = { rules = [{ match = "" }] }', "an arxiv rule has no match pattern"),
        (GOOD + 'survey_labels = ["X", "X"]', "framework 'mine': 'X' stands twice in survey_labels"),
        (GOOD + 'pypi = ["mine", "mine"]', "framework 'mine': 'mine' stands twice in pypi"),
        (
            GOOD.replace("}]", '}, { name = "Me/Mine" }]'),
            "repository 'me/mine' stands twice under 'mine'",
        ),
        # An address's host and path are not the registry's to choose, nor what the pages' Markdown shows.
        (
            GOOD + 'pypi = ["../../internal"]',
            "framework 'mine': pypi '../../internal' is malformed; expected a package",
        ),
        (GOOD + 'conda = ["x?y=z"]', "framework 'mine': conda 'x?y=z' is malformed; expected a package's name"),
        (GOOD + 'stackoverflow_tags = ["a;b"]', "framework 'mine': stackoverflow_tags 'a;b' is malformed"),
        (GOOD.replace("me/mine", "me/../../user"), "repository 'me/../../user' is malformed; expected owner/name"),
        (GOOD.replace('"Mine"', '"![](http://x.y/z)"'), "name '![](http://x.y/z)' is malformed; expected letters"),
        (GOOD.replace('"Mine"', '"a<b"'), "name 'a<b' is malformed; expected letters"),
        (GOOD.replace('"Mine"', '"Mine*"'), "name 'Mine*' is malformed; expected letters"),
        (GOOD.replace('"Mine"', '"# Mine"'), "name '# Mine' is malformed; expected letters"),
        (GOOD.replace('"Mine"', r'"a\u001bb"'), r"name 'a\x1bb' is malformed; expected letters"),
        (GOOD.replace("me/mine", "me/.."), "repository 'me/..' is malformed; expected owner/name"),
        ("framework = [1]", "framework 'number 1': expected a table with id, name,"),
        (GOOD + "tags = [1]", "tags must be a list of texts"),
        ("[[framework]", "is not valid TOML"),
        ("[frameworks]", "expected [[framework]] blocks only, found 'frameworks'"),
    ],
)
def test_each_fault_gets_one_line_with_file_and_framework(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(BadInputError, match=re.escape(message)) as caught:
        load(tmp_path, text, alone=True)
    assert str(tmp_path / "frameworks.toml") in str(caught.value)
    assert "\n" not in str(caught.value).split(": is not valid TOML")[0]


def test_an_unknown_framework_is_answered_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="unknown framework 'pytroch'; did you mean pytorch"):
        load(tmp_path).choose(["pytroch"])


def test_the_rule_version_changes_with_the_rules_and_only_with_them(tmp_path: Path) -> None:
    rule = 'arxiv = { rules = [{ match = "Mine" }] }'
    versions = [
        load(tmp_path, text, alone=True).frameworks["mine"].rule_version
        for text in (GOOD + rule, GOOD.replace('"Mine"', '"My own"') + rule, GOOD + rule.replace("Mine", "Mein"))
    ]
    assert versions[0] == versions[1] != versions[2]
