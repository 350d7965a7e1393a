"""What happens to the rules is read at the desk."""

from datetime import UTC, datetime, timedelta
from typing import get_args

from contracts.rule_sets import (
    AnyRuleSetEvent,
    RuleSetApproved,
    RuleSetCameIntoForce,
    RuleSetChecked,
    RuleSetProposed,
    RuleSetSuperseded,
)
from services.desk.worklist import RULE_SET_STEPS
from tests.desk.conftest import NOW, Desk

OLD, NEW = "0d" * 32, "7c" * 32
APRIL = datetime(2026, 4, 1, tzinfo=UTC)


async def test_every_step_in_the_life_of_a_rule_set_can_be_read_the_newest_first(desk: Desk) -> None:
    await desk.read(
        RuleSetCameIntoForce(rule_set=OLD, at=NOW - timedelta(days=1), in_force_from=NOW - timedelta(days=1)),
        RuleSetProposed(rule_set=NEW, at=NOW, staff="sato", note="四月の組織改正", tables=("responsibility",), rows=30),
        RuleSetChecked(rule_set=NEW, at=NOW, errors=0, warnings=1),
    )
    await desk.read(
        RuleSetApproved(rule_set=NEW, at=NOW, staff="tanaka", in_force_from=APRIL),
        RuleSetSuperseded(rule_set=OLD, at=NOW, by=NEW, until=APRIL),
        RuleSetCameIntoForce(rule_set=NEW, at=NOW, in_force_from=APRIL),
    )

    new, old = (await desk.get("/v1/rule-sets"))["rule_sets"]

    assert new["rule_set"] == NEW
    assert [step["what"] for step in new["history"]] == ["came-into-force", "approved", "checked", "proposed"]
    assert [step["staff"] for step in new["history"]] == [None, "tanaka", None, "sato"]
    assert new["history"][1]["said"]["in_force_from"] == "2026-04-01T00:00:00Z"
    assert old["history"][0] | {"said": None} == {
        "at": NOW.isoformat(),
        "what": "superseded",
        "staff": None,
        "said": None,
        "ja": "新しい規則に替わりました。",
        "en": "Superseded by another rule set.",
    }


def test_every_step_has_its_words() -> None:
    kinds = {
        event.TYPE.removeprefix("jp.madoguchi.rule-set.").removesuffix(".v1") for event in get_args(AnyRuleSetEvent)
    }

    assert kinds == RULE_SET_STEPS.keys()
