"""Disaster overlays: switched on and off by two people, at a time, and seen in every decision made under them."""

from datetime import UTC, date, datetime, timedelta

import pytest

from chassis.database import transaction
from contracts.overlays import OverlaySwitchWithdrawn
from contracts.routing import CaseOpened
from services.routing import handlers
from services.routing.packs import read_folder, read_pack
from services.routing.rules import overlays
from services.routing.rules.assigning import Facts, assign
from services.routing.rules.overlays import Confirmed, Request, Switch, Turn, Withdrawn
from services.routing.rules.tables import InvalidTable
from tests.routing.small_pack import files, rule_set
from tests.routing.test_handlers import KUSHIRO, accepted, envelope
from tests.routing.test_rule_sets import Routing, routing

__all__ = ["routing"]

NOW = datetime(2026, 11, 24, 1, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
TUESDAY = date(2026, 11, 24)
STORM = {
    "overlays/storm/rules/snow": 'F,in:procedure,out:department,note:reason\nT1,"""snow""",waste,嵐のため。\n',
    "overlays/storm/procedures": "code,period_days,period_kind\nsnow,1,days\nlamp,20,days\n",
    "overlays/flood/rules/snow": 'F,in:procedure,out:department,note:reason\nF1,"""snow""",roads,水のため。\n',
}
CITY = rule_set(**STORM)
ASKED = Request("storm", "on", "sato", "嵐のため。", NOW)


def test_under_an_overlay_its_tables_and_periods_decide_and_the_decision_says_so() -> None:
    (usual,), (under,) = (
        assign({"procedure": "snow"}, CITY, TUESDAY),
        assign({"procedure": "snow"}, CITY, TUESDAY, ["storm"]),
    )

    assert (usual.department, usual.table, usual.due_on.day) == ("roads", "routing", 27)
    assert (under.department, under.table, under.rows, under.due_on.day) == ("waste", "storm/snow", ("T1",), 25)
    assert assign(under.inputs, CITY, TUESDAY, ["storm"])[0].rows == under.rows


def test_what_an_overlay_says_nothing_of_goes_its_usual_way() -> None:
    (found,) = assign({"procedure": "lamp"}, CITY, TUESDAY, ["storm"])

    assert (found.table, found.rows, found.due_on) == ("routing", ("L1",), date(2026, 12, 3))


def test_of_two_overlays_the_one_switched_on_last_decides() -> None:
    assert assign({"procedure": "snow"}, CITY, TUESDAY, ["storm", "flood"])[0].rows == ("F1",)
    assert assign({"procedure": "snow"}, CITY, TUESDAY, ["flood", "storm"])[0].rows == ("T1",)


def test_an_overlay_that_a_later_rule_set_lacks_is_passed_over() -> None:
    assert assign({"procedure": "snow"}, CITY, TUESDAY, ["eruption"])[0].table == "routing"


@pytest.mark.parametrize(
    "at,on",
    [(-1, []), (0, ["storm"]), (1, ["storm", "flood"]), (2, ["flood"]), (3, ["flood", "storm"])],
)
def test_which_overlays_are_on_follows_from_the_switches_until_then(at: int, on: list[str]) -> None:
    turns: list[tuple[str, Turn]] = [("storm", "on"), ("flood", "on"), ("storm", "off"), ("storm", "on")]
    switches = [Switch(name, turn, NOW + hour * HOUR) for hour, (name, turn) in enumerate(turns)]

    assert overlays.active(switches, NOW + at * HOUR) == on


def test_only_a_known_overlay_is_switched_and_only_to_what_it_is_not() -> None:
    assert overlays.request(ASKED, ["flood"], [], NOW) == overlays.NO_OVERLAY
    assert overlays.request(ASKED, ["storm"], [Switch("storm", "on", NOW - HOUR)], NOW) == overlays.SO_ALREADY
    assert overlays.request(ASKED, ["storm"], [], NOW) == ASKED


def test_a_second_person_confirms_and_nothing_is_switched_in_the_past() -> None:
    assert overlays.confirm(None, "tanaka", NOW) == overlays.NOTHING_ASKED
    assert overlays.confirm(ASKED, "sato", NOW) == overlays.ASKER
    confirmed = overlays.confirm(ASKED, "tanaka", NOW + HOUR)

    assert confirmed == Confirmed("storm", "on", "sato", "tanaka", "嵐のため。", NOW + HOUR)


@pytest.mark.parametrize("staff", ["sato", "tanaka"])
def test_whoever_asked_or_a_colleague_takes_back_what_nobody_has_confirmed(staff: str) -> None:
    assert overlays.withdraw(ASKED, staff, "やんだため。") == Withdrawn("storm", "on", "sato", staff, "やんだため。")
    assert overlays.withdraw(None, staff, "やんだため。") == overlays.NOTHING_WAITS


@pytest.mark.parametrize(
    "overlay,facts,department,queue",
    [
        ("tsunami", {"procedure": "disaster.certificate", "circumstance": "natural"}, "zeimu", "disaster-certificate"),
        ("tsunami", {"procedure": "disaster.certificate", "circumstance": "fire"}, "shobo", "disaster-certificate"),
        ("tsunami", {"procedure": "water.leak"}, "suido-seibi", None),
        ("snow-night", {"procedure": "road.snow", "district": "east", "snow_request": "berm"}, "doro-iji", "berm"),
        ("", {"procedure": "disaster.certificate", "circumstance": "natural"}, "zeimu", None),
    ],
)
def test_the_surge_after_a_disaster_has_a_queue_of_its_own(
    overlay: str, facts: Facts, department: str, queue: str | None
) -> None:
    said: Facts = {"district": "kushiro", "happened_on": "2026-11-20", **facts}

    (found,) = assign(said, read_pack(read_folder(KUSHIRO)), TUESDAY, [overlay])

    assert (found.department, found.queue, found.cause) == (department, queue, None)


@pytest.mark.parametrize("queue", ["a" * 101, '""""""'])
def test_a_queue_has_a_name(queue: str) -> None:
    table = f'F,in:procedure,out:department,out:queue\nT1,"""snow""",waste,{queue}\n'

    with pytest.raises(InvalidTable, match="storm/snow, rule T1, output queue: expected a name"):
        rule_set(**(STORM | {"overlays/storm/rules/snow": table}))


async def test_a_city_without_rules_says_that_they_are_not_there_yet(routing: Routing) -> None:
    seen = await routing.client.get("/v1/overlays")
    switched = await routing.client.post("/v1/overlays/storm/switch", json={"turn": "on", "reason": "台風"})

    assert (seen.status_code, switched.status_code) == (503, 503)


async def test_the_queue_goes_with_the_case(routing: Routing) -> None:
    table = 'F,in:procedure,out:department,out:queue\nT1,"""snow""",waste,trucks\n'
    await routing.install(files(table))
    async with routing.pool.acquire() as connection, transaction(connection, routing.now) as tx:
        (opened,) = await handlers.route([envelope(accepted("snow"))], tx)

    assert isinstance(opened, CaseOpened)
    assert (opened.queue, opened.department) == ("trucks", "waste")


async def test_a_request_that_is_withdrawn_switches_nothing_and_makes_room_for_another(routing: Routing) -> None:
    await routing.install(files(**STORM))
    path = "/v1/overlays/storm"
    wish = {"staff": "sato", "turn": "on", "reason": "嵐のため。"}
    back = {"staff": "tanaka", "reason": "警報が解除されたため。"}

    nothing = await routing.post(f"{path}/withdraw", **back)
    await routing.post(f"{path}/switch", **wish)
    withdrawn = await routing.post(f"{path}/withdraw", **back)
    late = await routing.post(f"{path}/confirm", "suzuki")
    twice = await routing.post(f"{path}/withdraw", **back)
    assert [one.status_code for one in (nothing, withdrawn, late, twice)] == [409, 200, 409, 409]
    assert withdrawn.json() == {"overlay": "storm", "turn": "on", "withdrawn_by": "tanaka"}
    assert await routing.route(NOW) == "roads"

    again = await routing.post(f"{path}/switch", **wish)
    await routing.post(f"{path}/confirm", "suzuki")

    assert again.status_code == 200
    assert await routing.route(NOW) == "waste"
    switches = (await routing.client.get("/v1/overlays")).json()["switches"]
    ends = [(one["confirmed_by"], one["withdrawn_by"], one["withdrawn_note"]) for one in switches]
    assert ends == [("suzuki", None, None), (None, "tanaka", "警報が解除されたため。")]
    said = [event for event in await routing.said() if isinstance(event, OverlaySwitchWithdrawn)]
    assert [(one.requested_by, one.staff, one.reason) for one in said] == [("sato", "tanaka", back["reason"])]


async def test_no_reason_holds_an_individual_number_which_would_go_into_events_and_other_services(
    routing: Routing,
) -> None:
    await routing.install(files(**STORM))

    answer = await routing.post(
        "/v1/overlays/storm/switch", "sato", turn="on", reason="一二三四・五六七八・九○一八の方より"
    )

    assert (answer.status_code, answer.json()["type"]) == (422, "urn:madoguchi:problem:individual-number")
    assert (await routing.client.get("/v1/overlays")).json()["switches"] == []


async def test_two_people_switch_an_overlay_on_at_a_time_and_off_again(routing: Routing) -> None:
    await routing.install(files(**STORM))
    path = "/v1/overlays/storm"
    wish = {"staff": "sato", "turn": "on", "reason": "嵐のため。", "since": (NOW + HOUR).isoformat()}

    asked = await routing.post(f"{path}/switch", **wish)
    alone = await routing.post(f"{path}/confirm", "sato")
    again = await routing.post(f"{path}/switch", **wish)
    assert (asked.status_code, alone.status_code, again.status_code) == (200, 409, 409)
    assert await routing.route(NOW + HOUR) == "roads"
    await routing.post(f"{path}/confirm", "tanaka")

    assert [await routing.route(NOW), await routing.route(NOW + HOUR)] == ["roads", "waste"]
    routing.clock[0] += 2 * HOUR
    assert (await routing.client.get("/v1/overlays")).json()["on"] == ["storm"]
    await routing.post(f"{path}/switch", "tanaka", turn="off", reason="やんだため。")
    await routing.post(f"{path}/confirm", "sato")

    assert [await routing.route(NOW + HOUR), await routing.route(NOW + 2 * HOUR)] == ["waste", "roads"]
    said = [event.TYPE.split(".")[-2] for event in await routing.said() if event.subject == "storm"]
    assert said == ["switch-requested", "switched", "switch-requested", "switched"]
    assert (await routing.client.get("/v1/overlays")).json()["known"] == ["flood", "storm"]


def test_an_overlay_is_proven_before_the_disaster() -> None:
    from services.routing.packs import examine

    bad = 'F,in:procedure,out:department,note:reason\nT1,-,ghosts,a\nT2,"""snow""",waste,b\n'
    found = examine(files(**(STORM | {"overlays/storm/rules/snow": bad})), TUESDAY)

    assert {(one.code, one.table) for one in found.findings} == {
        ("no-such-department", "storm/snow"),
        ("shadowed", "storm/snow"),
    }
