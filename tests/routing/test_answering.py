"""Answers from a stored decision: what is said of a fact is so."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.routing.deciding import decide
from services.routing.rules.answering import Denial, say_why_not
from services.routing.rules.assigning import Facts
from services.routing.rules.phrasing import Language
from services.routing.rules.sfeel import parse_cell
from services.routing.rules.wording import Audience
from tests.routing import small_pack

DAY = date(2026, 4, 1)
PACK = small_pack.rule_set(
    'S1,"""snow""","""far""",>= 5,waste,,a',
    'S2,"""snow""","""near"", ""far""",-,roads,,a',
    'S3,"""snow""",-,>= 50,waste,,a',
    'S4,"""snow""",-,-,roads,,a',
    'M1,"""move""",-,>= 5,waste,,a',
    'M2,"""move""",-,-,roads,,a',
    'L1,"""lamp""",-,-,roads,,a',
    procedures="code,facts,period_days,period_kind\nsnow,district? amount?,3,days\nmove,district? amount?,5,days\nlamp,,,\n",
)
GIVEN = st.fixed_dictionaries(
    {"procedure": st.sampled_from(["snow", "move", "lamp"])},
    optional={"district": st.sampled_from(["far", "near", "west"]), "amount": st.integers(0, 60)},
)


def denial(facts: Facts, department: str = "waste") -> Denial:
    (decided,) = decide(PACK, (), facts, DAY)
    return say_why_not(PACK, decided.decision, department)


@given(GIVEN)
def test_a_cell_that_is_said_to_have_failed_did_fail_by_the_fact_that_was_there(facts: Facts) -> None:
    for failed in (failed for refusal in denial(facts).refusals for failed in refusal.failed):
        assert failed.fact == facts.get(failed.clause)
        assert not parse_cell(failed.asks).holds(facts.get(failed.clause))


@given(GIVEN)
def test_every_rule_of_the_department_has_a_reason(facts: Facts) -> None:
    for refusal in denial(facts).refusals:
        assert refusal.failed or refusal.in_the_way or refusal.unkept


def test_a_fact_that_was_given_and_is_not_kept_is_not_called_missing() -> None:
    said = denial({"procedure": "lamp", "district": "far", "amount": 70}).said

    assert all("記載なし" not in said[audience]["ja"] for audience in said)
    assert "not given" not in said["staff"]["en"]


def test_a_rule_that_held_and_was_outranked_says_so_and_not_that_a_fact_was_missing() -> None:
    found = denial({"procedure": "snow", "district": "near", "amount": 55})

    outranked = next(refusal for refusal in found.refusals if refusal.rule == "S3")
    assert (outranked.failed, outranked.in_the_way, outranked.unkept) == ((), ("S2",), ())


@pytest.mark.parametrize(
    "audience,language,words",
    [
        ("staff", "ja", "規則「S3」の条件（amount：50以上）"),
        ("citizen", "ja", "ごみ課が担当いたしますのは"),
        ("staff", "en", "Rule S3 asks for amount: 50 or more"),
    ],
)
def test_of_a_fact_that_is_not_kept_only_the_condition_is_said(
    audience: Audience, language: Language, words: str
) -> None:
    facts: Facts = {"procedure": "snow", "district": "near"}
    (decided,) = decide(PACK, (), facts, DAY)
    unranked = decided.decision.model_copy(update={"runners_up": None})

    found = say_why_not(PACK, unranked, "waste")

    refusal = next(one for one in found.refusals if one.rule == "S3")
    assert [(one.clause, one.asks) for one in refusal.unkept] == [("amount", ">= 50")]
    assert words in found.said[audience][language]
