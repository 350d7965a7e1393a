"""The journal read as a history, without servers: what became of each case, and what staff corrected."""

import json
from collections.abc import Iterable
from datetime import date
from typing import Any

import pytest

from console.journal_history import BEGINNINGS, Told
from console.journal_reroutes import corrected
from contracts.desk import CaseClaimed, CaseClosed
from contracts.routing import CaseOpened, CaseRerouted, CaseSentToTriage
from services.routing.rules.reroutes import Kept, Reroute
from tests.conftest import ROOT

NAMED = {"procedure": "road.snow", "channel": "web", "municipality": "012068"}
APPLICATION = {**NAMED, "facts": {"district": "akan"}, "applicant": {"name": "釧路 花子"}}
REASON = "花子様の件、阿寒へ"

Said = tuple[str, dict[str, Any]]


def decision(*rows: str, table: str = "responsibility", **more: Any) -> dict[str, Any]:
    return {"table": table, "rows": list(rows), "reason": "規則のため。", **more}


def opened(case: str, department: str, decided: dict[str, Any] | None = None) -> Said:
    said = {"opened_at": "2026-03-31T16:00:00Z", "department": department, "decision": decided or decision("S08")}
    return CaseOpened.TYPE, {"case_id": case, "application": APPLICATION, **said}


def triaged(case: str, reason: str = "どの規則にも当てはまりませんでした。") -> Said:
    said = {"sent_at": "2026-04-02T00:00:00Z", "decision": {**decision("S08"), "reason": reason}}
    return CaseSentToTriage.TYPE, {"case_id": case, "application": APPLICATION, **said}


def rerouted(case: str, source: str, target: str) -> Said:
    said = {"from_department": source, "department": target, "reason": REASON, "rerouted_at": "2026-04-02T01:00:00Z"}
    return CaseRerouted.TYPE, {"case_id": case, **said}


def claimed(case: str) -> Said:
    return CaseClaimed.TYPE, {"case_id": case, "at": "2026-04-02T02:00:00Z"}


def closed(case: str) -> Said:
    return CaseClosed.TYPE, {"case_id": case, "department": "parks", "at": "2026-04-03T01:00:00Z"}


def told(*events: Said) -> Told:
    found = Told()
    for kind, data in events:
        found.tell(kind, data)
    return found


def test_the_journal_tells_which_department_a_case_had_in_the_end() -> None:
    found = told(
        rerouted("unknown", "x", "y"),
        opened("a", "roads"),
        opened("b", "roads"),
        rerouted("a", "roads", "parks"),
        closed("a"),
        triaged("b"),
    )

    first, second = found.past()
    assert dict(first.facts) == {**NAMED, "district": "akan"}
    assert (first.department, str(first.opened), str(first.closed)) == ("parks", "2026-04-01", "2026-04-03")
    assert (second.department, second.closed) == ("", None)


def test_a_case_is_tried_on_the_day_and_under_the_overlays_that_its_decision_names() -> None:
    (past,) = told(opened("a", "roads", decision("S08", received_on="2026-03-30", overlays=["snow-night"]))).past()

    assert (past.opened, past.overlays) == (date(2026, 3, 30), ("snow-night",))


@pytest.mark.parametrize(
    "events,source,row",
    [
        ([opened("a", "roads"), rerouted("a", "roads", "akan")], "roads", "S08"),
        ([triaged("a"), rerouted("a", "triage", "akan")], "triage", None),
        ([opened("a", "roads"), triaged("a", "不明"), rerouted("a", "triage", "akan")], "roads", "S08"),
    ],
)
def test_what_staff_moved_is_a_correction_of_whatever_was_decided_first(
    events: Iterable[Said], source: str, row: str | None
) -> None:
    (case,) = corrected(told(*events).cases()).cases

    assert isinstance(case, Reroute)
    assert (case.from_department, case.to_department, case.reason, case.decided_by_row) == (source, "akan", REASON, row)
    assert case.facts == {**NAMED, "district": "akan"}


def test_a_case_left_where_it_was_speaks_against_moving_it_once_somebody_has_claimed_it() -> None:
    found = corrected(told(opened("a", "roads"), opened("b", "roads"), claimed("b")).cases())

    assert found.cases == (Kept({**NAMED, "district": "akan"}, "roads"),)
    assert found.waiting == 1


def test_a_case_that_waits_in_triage_says_nothing_yet() -> None:
    found = corrected(told(triaged("a"), opened("b", "roads"), claimed("b"), triaged("b", "不明")).cases())

    assert (found.cases, found.waiting) == ((), 2)


def test_what_an_overlay_decided_says_nothing_about_the_citys_own_rules() -> None:
    under = decision("N04", table="snow-night/snow", overlays=["snow-night"])
    beside = decision("S08", overlays=["snow-night"])

    found = corrected(
        told(
            *(opened("a", "roads", under), rerouted("a", "roads", "akan")),
            *(opened("b", "roads", beside), rerouted("b", "roads", "akan")),
        ).cases()
    )

    assert (len(found.cases), found.overlaid) == (1, 1)


def test_who_applied_is_not_kept_and_what_staff_wrote_is_not_in_what_a_log_would_show() -> None:
    (case,) = told(opened("a", "roads"), rerouted("a", "roads", "akan")).cases()

    assert "花子" not in repr(case)


@pytest.mark.parametrize("event", [CaseOpened, CaseSentToTriage, CaseRerouted, CaseClaimed, CaseClosed])
def test_every_message_ever_published_is_understood(event: type[CaseOpened]) -> None:
    for example in (ROOT / "contracts" / "examples" / event.TYPE).iterdir():
        data = json.loads(example.read_bytes())["data"]
        (new,) = told((event.TYPE, data)).cases() if event.TYPE in BEGINNINGS else (None,)
        (known,) = told(opened(data["case_id"], "roads"), (event.TYPE, data)).cases()
        assert new is None or new.facts
        assert known.department == {CaseSentToTriage.TYPE: "triage", CaseRerouted.TYPE: data.get("department")}.get(
            event.TYPE, "roads"
        )
