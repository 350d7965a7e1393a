"""What was asked before is answered as it was, and what only looks the same is not taken for it."""

from datetime import date

from services.routing.deciding import decide
from services.routing.rules.assigning import Facts
from tests.routing.small_pack import rule_set

DAY = date(2026, 11, 24)
CITY = rule_set('1,"""snow""",-,1,roads,,a', '2,"""snow""",-,-,waste,,b')


def rows(facts: Facts, day: date = DAY) -> list[tuple[str, ...]]:
    return [one.decision.rows for one in decide(CITY, (), facts, day)]


def test_the_same_question_is_answered_with_the_same_decision() -> None:
    first = decide(CITY, (), {"procedure": "snow", "colour": "red"}, DAY)

    assert decide(CITY, (), {"procedure": "snow", "colour": "blue"}, DAY) is first


def test_facts_that_python_takes_for_equal_are_different_questions() -> None:
    assert rows({"procedure": "snow", "amount": 1}) == [("1",)]
    assert rows({"procedure": "snow", "amount": True}) == [()]  # no number: what it should say must be asked
    assert rows({"procedure": "snow", "amount": 1.0}) == [("1",)]


def test_another_day_and_another_overlay_are_other_questions() -> None:
    storm = 'F,in:procedure,out:department,note:reason\nT1,"""snow""",waste,a\n'
    city = rule_set('1,"""snow""",-,-,roads,,a', **{"overlays/storm/rules/snow": storm})

    (usual,), (stormy,) = (
        decide(city, (), {"procedure": "snow"}, DAY),
        decide(city, ("storm",), {"procedure": "snow"}, DAY),
    )
    (later,) = decide(city, (), {"procedure": "snow"}, date(2026, 11, 25))

    assert (usual.decision.table, stormy.decision.table) == ("routing", "storm/snow")
    assert later.assignment.due_on > usual.assignment.due_on
