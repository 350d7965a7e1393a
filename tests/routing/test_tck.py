"""The DMN Technology Compatibility Kit, and the command that runs it."""

import csv
import json
import tarfile
from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner

from console.rules import rules
from services.routing.formats.tck import Result, is_equal, run
from tests.conftest import shared_data

EXCEPTIONS = Path(__file__).with_name("tck_exceptions.csv")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> list[Result]:
    folder = tmp_path_factory.mktemp("tck")
    with tarfile.open(shared_data("conformance/dmn_tck_A.tar.gz")) as archive:
        archive.extractall(folder, filter="data")
    return list(run(folder))


def test_95_of_100_decision_table_cases_that_lie_in_the_language_pass(results: list[Result]) -> None:
    counted = Counter(result.status for result in results if result.about_tables)

    assert counted["passed"] >= 26
    assert counted["passed"] / (counted["passed"] + counted["failed"]) >= 0.95


def test_the_list_of_exceptions_is_exactly_the_cases_about_tables_that_do_not_pass(results: list[Result]) -> None:
    with EXCEPTIONS.open(encoding="utf-8", newline="") as file:
        listed = list(csv.DictReader(file))

    missed = [(r.model, r.case, r.status) for r in results if r.about_tables and r.status != "passed"]
    assert sorted(missed) == sorted((row["model"], row["case"], row["status"]) for row in listed)
    assert all(row["reason"] for row in listed)


def test_a_case_about_no_decision_table_is_unsupported_and_says_so(results: list[Result]) -> None:
    others = {(result.status, result.reason) for result in results if not result.about_tables}

    assert others == {("unsupported", "the model has no decision table")}


MODEL = """
<definitions xmlns="https://www.omg.org/spec/DMN/20230324/MODEL/" name="m" namespace="urn:m">
  <inputData name="Applicant"/>
  <inputData name="Years"/>
  <decision name="Risk"><decisionTable hitPolicy="{policy}">
    <input><inputExpression><text>Applicant.Age now</text></inputExpression></input>
    <output name="level"/><output name="from" typeRef="date"/>
    <rule><inputEntry><text>&lt; 18</text></inputEntry><outputEntry><text>"high"</text></outputEntry><outputEntry><text>date("2026-04-01")</text></outputEntry></rule>
    <rule><inputEntry><text>&gt;= 10</text></inputEntry><outputEntry><text>"low"</text></outputEntry><outputEntry><text>null</text></outputEntry></rule>
  </decisionTable></decision>
  <decision name="Same"><literalExpression><text>Risk.level</text></literalExpression></decision>
  <decision name="Limit"><literalExpression><text>3</text></literalExpression></decision>
  <decision name="Sum"><literalExpression><text>Years + 1</text></literalExpression></decision>
  <decision name="Round"><literalExpression><text>Round</text></literalExpression></decision>
  <decision name="Premium"><decisionTable hitPolicy="COLLECT">
    <input><inputExpression><text>Same</text></inputExpression></input>
    <input><inputExpression><text>Limit</text></inputExpression></input>
    <output/>
    <rule><inputEntry><text>"high"</text></inputEntry><inputEntry><text>3</text></inputEntry><outputEntry><text>9.5</text></outputEntry></rule>
    <rule><inputEntry><text>-</text></inputEntry><inputEntry><text>-</text></inputEntry><outputEntry><text>1</text></outputEntry></rule>
  </decisionTable></decision>
</definitions>
"""  # fmt: skip
TESTS = """
<testCases xmlns="http://www.omg.org/spec/DMN/20160719/testcase"
  xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema">
  <modelName>m.dmn</modelName>
  <testCase id="{case}" type="{kind}">
    <inputNode name="Applicant"><component name="Age now"><value xsi:type="xsd:decimal">{age}</value></component></inputNode>
    <resultNode name="{decision}"><expected>{expected}</expected></resultNode>
  </testCase>
</testCases>
"""
NIL = '<value xsi:nil="true"/>'


def number(text: str) -> str:
    return f'<value xsi:type="xsd:decimal">{text}</value>'


def listed(*items: str) -> str:
    return "<list>" + "".join(f"<item>{item}</item>" for item in items) + "</list>"


def risk(level: str, since: str) -> str:
    return f'<component name="level"><value>{level}</value></component><component name="from">{since}</component>'


def lay(
    folder: Path, decision: str, expected: str, *, age: str = "9", policy: str = "UNIQUE", kind: str = "decision"
) -> Path:
    (folder / "m.dmn").write_text(MODEL.format(policy=policy))
    tests = TESTS.format(case="001", kind=kind, age=age, decision=decision, expected=expected)
    (folder / "m-test-01.xml").write_text(tests)
    return folder


@pytest.mark.parametrize(
    "decision,age,expected",
    [
        ("Risk", "9", risk("high", '<value xsi:type="xsd:date">2026-04-01</value>')),
        ("Risk", "30", risk("low", NIL)),
        ("Risk", "12", NIL),
        ("Same", "9", "<value>high</value>"),
        ("Premium", "9", listed(number("9.5"), number("1.0"))),
        ("Premium", "30", listed(number("1"))),
        ("Limit", "9", number("3")),
    ],
)
def test_a_decision_is_made_from_what_it_requires(tmp_path: Path, decision: str, age: str, expected: str) -> None:
    (result,) = run(lay(tmp_path, decision, expected, age=age))

    assert (result.status, result.reason) == ("passed", "")


@pytest.mark.parametrize("expected", [NIL, number("9.5"), listed(number("1"), number("9.5")), listed(number("9.5"))])
def test_another_result_than_expected_fails_and_says_both(tmp_path: Path, expected: str) -> None:
    (result,) = run(lay(tmp_path, "Premium", expected))

    assert result.status == "failed"
    assert result.reason.endswith("found [9.5, 1]")


@pytest.mark.parametrize(
    "decision,kind,reason",
    [
        ("Sum", "decision", "the expression 'Years + 1'"),
        ("Round", "decision", "Round: it needs itself"),
        ("Nothing", "decision", "Nothing: it is no decision"),
        ("Risk", "bkm", "a business knowledge model, invoked"),
    ],
)
def test_what_does_not_lie_in_the_language_is_unsupported(
    tmp_path: Path, decision: str, kind: str, reason: str
) -> None:
    (result,) = run(lay(tmp_path, decision, NIL, kind=kind))

    assert (result.status, result.reason) == ("unsupported", reason)


@pytest.mark.parametrize(
    "one,other,same",
    [
        (0.1 + 0.2, 0.3, True),
        (1, 1.0, True),
        (1, True, False),
        ("1", 1, False),
        ([1, 2], [2, 1], False),
        ([1], [1, 2], False),
        ({"a": 1}, {"a": 1.0}, True),
        ({"a": 1}, {"a": 1, "b": None}, False),
        (None, None, True),
        (None, [], False),
    ],
)
def test_results_are_compared_as_the_kit_means_them(one: object, other: object, *, same: bool) -> None:
    assert is_equal(one, other) is same


def test_the_command_prints_cases_and_totals_and_ends_with_0_unless_one_failed(tmp_path: Path) -> None:
    passing = CliRunner().invoke(rules, ["tck", str(lay(tmp_path, "Limit", number("3")))])
    failing = CliRunner().invoke(rules, ["tck", str(lay(tmp_path, "Limit", number("4")))])

    assert (passing.exit_code, failing.exit_code) == (0, 1)
    assert "passed       m-test-01.xml 001\n" in passing.output
    assert "failed       m-test-01.xml 001: Limit: expected 4, found 3\n" in failing.output
    assert "all cases: 0 passed, 1 failed, 0 unsupported\n" in failing.output


def test_the_command_reports_in_json(tmp_path: Path) -> None:
    ended = CliRunner().invoke(rules, ["tck", str(lay(tmp_path, "Sum", number("4"))), "--json"])

    report = json.loads(ended.output)
    assert report["totals"] == {"passed": 0, "failed": 0, "unsupported": 1}
    assert report["cases"][0]["reason"] == "the expression 'Years + 1'"


def test_a_folder_without_cases_and_a_broken_file_are_told(tmp_path: Path) -> None:
    empty = CliRunner().invoke(rules, ["tck", str(tmp_path)])
    (tmp_path / "m-test-01.xml").write_text("<testCases/>")
    broken = CliRunner().invoke(rules, ["tck", str(tmp_path)])

    assert (empty.exit_code, broken.exit_code) == (1, 1)
    assert "There is no test case below" in empty.output
    assert "expected <testCases> of http://www.omg.org/spec/DMN/20160719/testcase, found <testCases>" in broken.output
