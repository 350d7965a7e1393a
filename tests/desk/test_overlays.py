"""What was switched for a disaster, and what came by it, is read at the desk."""

from datetime import datetime, timedelta
from itertools import product
from typing import Any, get_args

import pytest

from contracts.overlays import (
    AnyOverlayEvent,
    OverlaySwitched,
    OverlaySwitchRequested,
    OverlaySwitchWithdrawn,
    Turn,
)
from contracts.routing import CaseOpened
from services.desk.overlays import is_on, step_of
from services.desk.worklist import OVERLAY_STEPS
from tests.desk.conftest import DECISION, NOW, Desk, new_id, opened, rerouted, sent_to_triage

HOUR = timedelta(hours=1)
UNDER = DECISION.model_copy(update={"overlays": ("tsunami", "snow-night")})


def requested(overlay: str, turn: Turn = "on", since: datetime = NOW) -> OverlaySwitchRequested:
    return OverlaySwitchRequested(
        overlay=overlay, turn=turn, at=NOW, staff="sato", reason="大雪警報のため。", since=since
    )


def switched(overlay: str, turn: Turn = "on", since: datetime = NOW) -> OverlaySwitched:
    said: Any = {"overlay": overlay, "turn": turn, "at": NOW, "reason": "大雪警報のため。", "since": since}
    return OverlaySwitched(requested_by="sato", confirmed_by="tanaka", **said)


def withdrawn(overlay: str, turn: Turn = "on") -> OverlaySwitchWithdrawn:
    said: Any = {"overlay": overlay, "turn": turn, "at": NOW, "reason": "解除されたため。"}
    return OverlaySwitchWithdrawn(requested_by="sato", staff="suzuki", **said)


async def test_each_overlay_has_its_history_the_newest_step_first_and_is_on_or_off(desk: Desk) -> None:
    await desk.read(requested("snow-night"), switched("snow-night"), requested("snow-night", "off"))
    await desk.read(requested("tsunami"), withdrawn("tsunami"))
    await desk.read(requested("eruption", since=NOW + HOUR), switched("eruption", since=NOW + HOUR))

    found = (await desk.get("/v1/overlays"))["overlays"]

    assert [(one["overlay"], one["on"]) for one in found] == [
        ("eruption", False),
        ("tsunami", False),
        ("snow-night", True),
    ]
    assert [(step["what"], step["turn"], step["staff"]) for step in found[2]["history"]] == [
        ("switch-requested", "off", "sato"),
        ("switched", "on", "tanaka"),
        ("switch-requested", "on", "sato"),
    ]
    last = found[1]["history"][0]
    assert last["said"]["reason"] == "解除されたため。"
    assert last | {"said": None} == {
        "at": NOW.isoformat(),
        "what": "switch-withdrawn",
        "turn": "on",
        "since": None,
        "staff": "suzuki",
        "said": None,
        "ja": "適用の依頼は取り下げられました。",
        "en": "The request to switch it on was withdrawn.",
    }


@pytest.mark.parametrize(
    "turns,turn",
    [
        ([], "off"),
        ([("on", 0)], "on"),
        ([("on", 1)], "off"),
        ([("on", -2), ("off", -1)], "off"),
        ([("on", -1), ("off", 1)], "on"),
        ([("off", -1), ("on", -2)], "off"),
        ([("on", 0), ("off", 0)], "off"),
    ],
)
def test_an_overlay_is_what_the_switch_says_that_took_effect_last(turns: list[tuple[Turn, int]], turn: Turn) -> None:
    steps = [step_of(switched("storm", one, NOW + hours * HOUR)) for one, hours in turns]

    assert is_on([step_of(requested("storm")), *steps, step_of(withdrawn("storm", "off"))], NOW) == (turn == "on")


def test_every_step_has_its_words() -> None:
    kinds = {
        event.TYPE.removeprefix("jp.madoguchi.overlay.").removesuffix(".v1") for event in get_args(AnyOverlayEvent)
    }

    assert set(product(kinds, get_args(Turn))) == OVERLAY_STEPS.keys()


def queued(queue: str | None = "disaster-certificate") -> CaseOpened:
    return opened(new_id(), new_id()).model_copy(update={"queue": queue, "decision": UNDER})


async def test_a_worklist_can_be_read_queue_by_queue_page_after_page(desk: Desk) -> None:
    mine, other = [queued() for _ in range(3)], [queued(None), queued("berm")]
    await desk.read(*mine, *other)
    path = "/v1/departments/residents/cases?queue=disaster-certificate&limit=2"

    first = await desk.get(path)
    second = await desk.get(first["next"])

    pages = [*first["cases"], *second["cases"]]
    assert {case["case_id"] for case in pages} == {str(one.case_id) for one in mine}
    assert len(pages) == 3
    assert second["next"] is None
    assert {case["queue"] for case in pages} == {"disaster-certificate"}
    everything = await desk.get("/v1/departments/residents/cases")
    assert sorted(str(case["queue"]) for case in everything["cases"]) == [
        "None",
        "berm",
        *["disaster-certificate"] * 3,
    ]


async def test_a_case_says_under_which_overlays_it_was_routed_in_the_worklist_and_by_itself(desk: Desk) -> None:
    case, usual = queued(), opened(new_id(), new_id())
    await desk.read(case, usual)

    listed = (await desk.get("/v1/departments/residents/cases"))["cases"]

    assert {one["case_id"]: one["overlays"] for one in listed} == {
        str(case.case_id): ["tsunami", "snow-night"],
        str(usual.case_id): [],
    }
    assert (await desk.see(case.case_id))["overlays"] == ["tsunami", "snow-night"]


async def test_a_case_that_moves_leaves_its_queue_and_keeps_its_overlays(desk: Desk) -> None:
    case, other = queued(), queued()
    await desk.read(case, other)

    await desk.read(rerouted(case.application_id, case.case_id), sent_to_triage(other.application_id, other.case_id))

    for moved in (case, other):
        seen = await desk.see(moved.case_id)
        assert (seen["queue"], seen["overlays"]) == (None, ["tsunami", "snow-night"])


async def test_what_goes_to_triage_from_the_start_says_the_overlays_too(desk: Desk) -> None:
    sent = sent_to_triage(new_id(), new_id()).model_copy(update={"decision": UNDER})
    await desk.read(sent)

    assert (await desk.see(sent.case_id))["overlays"] == ["tsunami", "snow-night"]
