"""Which facts an application must carry is said in procedures.csv, and the proof goes by it."""

from datetime import date

import pytest

from services.routing.procedures import read_needs
from services.routing.rules.completeness import PackFinding, prove_pack
from services.routing.rules.organisation import InvalidOrganisation
from tests.routing.small_pack import rule_set

DAY = date(2026, 11, 24)
PROCEDURES = "code,facts,period_days,period_kind\nsnow,{},3,days\n"
OPEN = ('1,"""snow""","""far""",-,waste,,a', '2,"""snow""","not(""far"")",-,roads,,b')
CLOSED = (*OPEN, '3,"""snow""",-,-,waste,,c')


def findings(*rows: str, facts: str) -> list[PackFinding]:
    return prove_pack(rule_set(*rows, procedures=PROCEDURES.format(facts)), DAY)


def test_facts_are_needed_unless_a_question_mark_says_that_they_may_be_left_out() -> None:
    table = b"code,facts\nsnow,district circumstance? kind_of_snow\nlamp,\n"

    assert read_needs(table, "procedures.csv") == {"snow": {"district", "kind_of_snow"}, "lamp": frozenset()}


def test_without_the_column_nothing_is_said_of_any_procedure() -> None:
    assert read_needs(b"code,period_days\nsnow,3\n", "procedures.csv") == {}


@pytest.mark.parametrize("facts", ["District", "district, amount", "?", "a??"])
def test_what_is_no_name_of_a_fact_is_refused_with_its_place(facts: str) -> None:
    table = f'code,facts\nsnow,"{facts}"\n'.encode()

    with pytest.raises(
        InvalidOrganisation, match=r"procedures\.csv, row 2, column 2 \(facts\): expected names of facts"
    ):
        read_needs(table, "procedures.csv")


@pytest.mark.parametrize("facts", ["", "district?"])
def test_a_case_without_a_fact_that_may_be_left_out_must_be_routed(facts: str) -> None:
    (found,) = findings(*OPEN, facts=facts)

    assert (found.code, found.is_error) == ("not-routed", True)
    assert found.witness is not None
    assert (found.witness["procedure"], found.witness["district"]) == ("snow", None)
    assert findings(*CLOSED, facts=facts) == []


def test_where_a_fact_must_be_there_a_row_for_cases_without_it_is_in_vain() -> None:
    assert findings(*OPEN, facts="district") == []
    assert [found.code for found in findings(*CLOSED, facts="district")] == ["shadowed"]


@pytest.mark.parametrize(
    "owner,ja,en",
    [
        ("old", "候補：道路課（roads）", "Perhaps roads."),
        ("ごみ課", "候補：ごみ課（waste）", "Perhaps waste."),
        ("lost", "どの課が受け持つか、お決めください", "Decide who answers for them."),
    ],
)
def test_an_owner_that_is_no_unit_on_the_day_is_found_with_who_may_answer_instead(owner: str, ja: str, en: str) -> None:
    units = (
        "code,name_ja,valid_from,valid_until,successors\nroads,道路課,,,\nwaste,ごみ課,,,\nold,旧課,,2026-03-31,roads\n"
    )
    head = "F,in:procedure,in:district,out:department,note:reason,note:owner\n"
    table = head + f'1,"""snow""",-,roads,a,{owner}\n2,"""move""",-,roads,b,waste\n3,"""lamp""",-,roads,c,\n'
    packed = rule_set(**{"rules/routing": table, "organisation": units})

    (found,) = prove_pack(packed, DAY)

    assert (found.code, found.is_error, found.table) == ("no-such-owner", False, "routing")
    assert f"規則 1 の担当 {owner} は、2026-11-24 の組織表にありません。" in found.words.ja
    assert ja in found.words.ja
    assert en in found.words.en
    before = [one for one in prove_pack(packed, date(2026, 3, 31)) if one.code == "no-such-owner"]
    assert len(before) == (owner != "old")


STAGED = 'code,facts,period_days,period_kind,stages\nsnow,,3,days,"look 1 days; clear 2 days after look"\n'
QUEUED = "F,in:procedure,out:department,out:queue,note:reason\n" + '1,"""snow""",roads,later,a\n'


def test_a_stage_or_a_queue_that_people_have_no_words_for_is_found_in_overlays_too() -> None:
    words = "code,name_ja,name_easy,name_en\nlook,調査,しらべる,look\nlater,後回し,,later\n"
    packed = rule_set(
        **{"procedures": STAGED, "rules/routing": QUEUED, "words": words},
        **{
            "overlays/storm/rules/storm": QUEUED.replace("later", "surge"),
            "overlays/storm/procedures": "code,period_days,period_kind,stages\nsnow,9,days,wait 3 days\n",
        },
    )

    found = [one for one in prove_pack(packed, DAY) if one.code == "no-words"]

    assert [(one.is_error, one.table) for one in found] == [(False, None)] * 4
    named = ("call clear (", "call wait (", "call later (name_easy)", "call surge (")
    assert all(name in one.words.en for name, one in zip(named, found, strict=True))
    assert "（name_ja、name_easy、name_en）" in found[0].words.ja
