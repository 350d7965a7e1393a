"""Explanations in words, in three registers."""

import re
from itertools import product
from typing import get_args

import pytest

from services.routing.rules import phrasing, wording
from services.routing.rules.compiling import compile_table
from services.routing.rules.explaining import Explainer, Explanation
from services.routing.rules.phrasing import Labels, Language, Speech
from services.routing.rules.refusing import why_not
from services.routing.rules.sfeel import parse_cell
from services.routing.rules.tables import DecisionTable, HitPolicy, Input, Output, Rule
from services.routing.rules.wording import (
    WORDS,
    Audience,
    Nearly,
    Said,
    say_decision,
    say_nearest,
    say_refusal,
    say_triage,
)

LABELS: Labels = {
    "age": {"ja": "年齢", "ja-easy": "年(とし)", "en": "age"},
    "district": {"ja": "地区", "ja-easy": "地区(ちく)", "en": "district"},
    "akan": {"ja": "阿寒", "ja-easy": "阿寒(あかん)", "en": "Akan"},
    "care": {"ja": "介護高齢課", "ja-easy": "介護高齢課(かいごこうれいか)", "en": "Care for the Elderly"},
}
JA, EASY, EN = (Speech(language, LABELS) for language in get_args(Language))


def a_table(policy: HitPolicy = "F") -> DecisionTable:
    rows = [(">= 65", '"akan"', "akan-office"), (">= 65", "-", "care"), ("-", '"onbetsu"', "onbetsu-office")]
    inputs = (Input("age", "number"), Input("district", "string"))
    rules = tuple(
        Rule(f"R{at}", (parse_cell(age), parse_cell(district)), (put_out,))
        for at, (age, district, put_out) in enumerate(rows, start=1)
    )
    return DecisionTable("departments", policy, inputs, (Output("department"),), rules)


def explain(policy: HitPolicy = "F", **facts: object) -> Explanation:
    return Explainer(compile_table(a_table(policy))).explain(facts)


@pytest.mark.parametrize(
    "speech,audience,said",
    [
        (JA, "citizen", "お申し出の内容（年齢：70）により、介護高齢課が担当いたします。"),
        (EASY, "citizen", "あなたの 手続(てつづ)きは、介護高齢課(かいごこうれいか)が します。わけ（年(とし)： 70）。"),
        (
            EN,
            "citizen",
            "Care for the Elderly is responsible for your application because of what you told us (age: 70).",
        ),
        (JA, "staff", "規則「R2」により、介護高齢課の担当です（年齢：70）。"),
        (EN, "staff", "Rule R2 makes Care for the Elderly responsible (age: 70)."),
    ],
)
def test_a_decision_says_who_and_by_which_facts(speech: Speech, audience: Audience, said: str) -> None:
    assert say_decision(explain(age=70, district="kushiro"), "care", speech, audience) == said


def test_a_rule_without_conditions_needs_no_facts() -> None:
    rules = (Rule("R1", (parse_cell("-"),), ("care",)),)
    table = DecisionTable("t", "F", (Input("age", "number"),), (Output("department"),), rules)
    found = Explainer(compile_table(table)).explain({})

    assert say_decision(found, "care", JA, "citizen") == "介護高齢課が担当いたします。"


@pytest.mark.parametrize(
    "speech,audience,said",
    [
        (JA, "citizen", "年齢が確認できないため、担当する課を職員が確認しております。"),
        (EASY, "citizen", "年(とし)が わかりません。"),
        (EN, "citizen", "We could not establish: age."),
        (JA, "staff", "年齢が不明のため、規則で決められませんでした（年齢：記載なし、地区：kushiro）。"),
    ],
)
def test_a_missing_fact_is_asked_for_by_what_people_call_it(speech: Speech, audience: Audience, said: str) -> None:
    assert say_triage(explain(district="kushiro"), ("age",), speech, audience).startswith(said)


def test_without_a_match_staff_see_the_facts_and_citizens_are_asked_for_patience() -> None:
    found = explain(age=30, district="akan")

    assert (
        say_triage(found, (), JA, "staff")
        == "どの規則にも当てはまりませんでした（年齢：30、地区：阿寒）。担当課を決めてください。"
    )
    assert "お待ちくださいますようお願いいたします" in say_triage(found, (), JA, "citizen")


def test_a_conflict_is_told_to_staff_with_its_rules_and_to_citizens_as_patience() -> None:
    found = explain("U", age=70, district="akan")

    assert say_triage(found, (), JA, "staff").startswith(
        "規則「R1、R2」の判断が食い違いました（年齢：70、地区：阿寒）。"
    )
    assert say_triage(found, (), EN, "citizen") == WORDS["no-match", "citizen", "en"]


@pytest.mark.parametrize(
    "speech,audience,said",
    [
        (
            JA,
            "citizen",
            "介護高齢課の担当とならなかった理由は、次のとおりです。年齢は「65以上」が条件ですが、「30」でした。",
        ),
        (
            EASY,
            "citizen",
            (
                "介護高齢課(かいごこうれいか)は この 手続(てつづ)きを しません。"
                "わけ：年(とし)が「65 以上(いじょう)」の ときだけ します。今(いま)は「30」です。"
            ),
        ),
        (EN, "citizen", "Care for the Elderly is not responsible: age must be “65 or more” but is “30”."),
        (EN, "staff", "Rule R2 does not make Care for the Elderly responsible: age must be “65 or more” but is “30”."),
    ],
)
def test_a_refusal_says_what_is_asked_and_what_is_there(speech: Speech, audience: Audience, said: str) -> None:
    refusals = why_not(a_table(), {"age": 30, "district": "onbetsu"}, "care")

    assert say_refusal(refusals, "care", speech, audience) == said


def test_a_rule_that_held_is_refused_by_the_one_in_its_way() -> None:
    refusals = why_not(a_table(), {"age": 70, "district": "akan"}, "care")

    assert say_refusal(refusals, "care", JA, "staff") == (
        "規則「R2」も当てはまりましたが、規則「R1」があるため、介護高齢課の担当になりませんでした。"
    )


def test_a_department_of_no_rule_is_said_to_have_none() -> None:
    assert say_refusal((), "roads", EN, "staff") == "There is no rule that makes roads responsible."


NEAREST = (
    Nearly("R1", "akan-office", "district", '"akan"'),
    Nearly("R3", "care", "age", ">= 65"),
    Nearly("R4", "akan-office", "age", "> 90"),
    Nearly("R5", "roads", None, None),
)


@pytest.mark.parametrize(
    "speech,said",
    [
        (JA, "地区が「阿寒」であれば、規則「R1」によりakan-officeの担当となります。規則「R5」（roads）も当てはまりましたが、優先されません。"),
        (
            EASY,
            (
                "地区(ちく)が「阿寒(あかん)」なら、きまり「R1」で、akan-officeが 担当(たんとう)です。"
                "きまり「R5」（roads）も 合(あ)いましたが、ほかの きまりが 先(さき)です。"
            ),
        ),
        (EN, "If district were “Akan”, rule R1 would make akan-office responsible. Rule R5 (roads) holds too, but does not come first."),
    ],
)  # fmt: skip
def test_staff_are_told_who_would_have_been_responsible_and_by_which_answer(speech: Speech, said: str) -> None:
    assert say_nearest(NEAREST, "care", speech, "staff") == said


def test_citizens_are_told_one_answer_that_would_lead_elsewhere_in_case_theirs_is_not_right() -> None:
    assert say_nearest(NEAREST, "care", JA, "citizen") == (
        "地区が「阿寒」の場合は、akan-officeが担当いたします。お申し出の内容と異なるときは、お知らせください。"
    )
    assert say_nearest(NEAREST[3:], "care", JA, "citizen") == ""
    assert say_nearest(NEAREST, None, JA, "citizen", missing=True) == ""


def test_where_a_fact_is_missing_staff_are_told_what_each_answer_leads_to() -> None:
    assert say_nearest(NEAREST, None, EN, "staff", missing=True) == (
        "If district were “Akan”, rule R1 would make akan-office responsible. "
        "If age were “65 or more”, rule R3 would make Care for the Elderly responsible. "
        "Otherwise rule R5 makes roads responsible."
    )


@pytest.mark.parametrize(
    "asks,ja,en",
    [
        ("[65..75)", "65以上、75未満", "65 or more and less than 75"),
        ("(0..5]", "0より大きい、5以下", "more than 0 and 5 or less"),
        ('"akan", "x"', "阿寒またはx", "Akan or x"),
        ('not("akan")', "阿寒以外", "anything but Akan"),
        ("true", "はい", "yes"),
        ("-", "条件なし", "anything"),
        ('>= date("2026-04-01")', "2026年4月1日以降", "from 1 April 2026 on"),
        ('< date("2026-04-01")', "2026年4月1日より前", "before 1 April 2026"),
        ('duration("P3D")', 'duration("P3DT0S")', 'duration("P3DT0S")'),
    ],
)
def test_a_condition_is_said_in_words(asks: str, ja: str, en: str) -> None:
    assert (JA.condition(asks), EN.condition(asks)) == (ja, en)


@pytest.mark.parametrize(
    "fact,said", [(None, "記載なし"), (True, "はい"), (False, "いいえ"), ("akan", "阿寒"), (3.5, "3.5")]
)
def test_a_fact_is_said_as_people_say_it(fact: object, said: str) -> None:
    assert JA.fact(fact) == said


def test_everything_that_is_said_is_said_to_both_in_three_registers() -> None:
    expected = set(product(get_args(Said), get_args(Audience), get_args(Language)))

    for_staff_only: set[Said] = {"conflict", "held-too", "otherwise"}
    assert expected - set(WORDS) == set(product(for_staff_only, ["citizen"], get_args(Language)))


def test_every_kanji_of_the_easy_register_can_be_read() -> None:
    tables = [phrasing.NUMBERS, phrasing.TIMES]
    words = [
        *(text for (_, _, language), text in WORDS.items() if language == "ja-easy"),
        *(text for table in tables for text in table["ja-easy"].values()),
        *(table["ja-easy"] for table in (phrasing.OR, phrasing.BUT, phrasing.ANY, phrasing.NOTHING)),
        *(table["ja-easy"] for table in (wording.FACT, wording.FAILED)),
        EASY.condition('date("2026-04-01")'),
    ]

    assert [text for text in words if re.search(r"[一-龠々]+(?![一-龠々(])", text)] == []
