"""What is kept to know a command again confirms to nobody with a dump what the citizen was told."""

import asyncio

from chassis.telemetry import Telemetry
from services.desk import judging
from services.desk.command_digests import Keying
from services.desk.index_keys import IndexKeys
from services.desk.orders import Claim, Decide
from tests.desk.conftest import Desk, new_id, opened

TOLD = "所得が基準を超えるため"
DECISION = Decide(staff="sato", outcome="refused", explanation=TOLD)


async def kept(desk: Desk) -> tuple[bytes, str | None]:
    row = await desk.pool.fetchrow("SELECT last_command, command_key FROM case_item")
    assert row is not None
    return row["last_command"], row["command_key"]


async def decide(desk: Desk, case_id: object) -> int:
    answer = await desk.do(case_id, "decide", outcome="refused", explanation=TOLD)  # pyright: ignore[reportArgumentType]
    return answer.status_code


async def test_a_command_that_says_something_personal_is_kept_by_the_key_of_its_application(desk: Desk) -> None:
    application_id, case_id = new_id(), new_id()
    await desk.read(opened(application_id, case_id, application=await desk.sealed(application_id)))
    await desk.do(case_id, "claim")
    assert await kept(desk) == (Claim(staff="sato").digest(), judging.PLAIN)  # who has claimed a case stands beside it

    assert await decide(desk, case_id) == 200
    value, key = await kept(desk)

    assert key == "5y-2026"
    assert value != DECISION.digest()
    assert len(value) == 32
    assert await decide(desk, case_id) == 200  # the same again
    assert (await desk.types()).count("case.decided") == 1


async def test_it_is_recognised_by_another_process(desk: Desk) -> None:
    _, case_id = await desk.case()
    await desk.do(case_id, "claim")
    await decide(desk, case_id)

    desk.seals.index.at_hand.clear()
    await desk.seals.index.refresh(desk.commands, Telemetry("desk", None))

    assert await decide(desk, case_id) == 200
    assert (await desk.types()).count("case.decided") == 1


async def test_what_the_release_before_kept_is_recognised_and_then_keyed(desk: Desk) -> None:
    _, case_id = await desk.case()
    await desk.do(case_id, "claim")
    await decide(desk, case_id)
    await desk.pool.execute("UPDATE case_item SET last_command = $1, command_key = NULL", DECISION.digest())
    assert await decide(desk, case_id) == 200

    await Keying(desk.seals.index, "5y").key_all(desk.commands, Telemetry("desk", None), asyncio.Event())

    assert (await kept(desk))[0] != DECISION.digest()
    assert (await kept(desk))[1] == "5y-2026"
    assert await decide(desk, case_id) == 200
    assert (await desk.types()).count("case.decided") == 1


async def test_with_the_key_it_is_forgotten_and_nothing_is_done_twice(desk: Desk) -> None:
    application_id, case_id = new_id(), new_id()
    await desk.read(opened(application_id, case_id, application=await desk.sealed(application_id)))
    await desk.do(case_id, "claim")
    await decide(desk, case_id)
    desk.city.destroy("5y-2026")
    await desk.seals.index.refresh(desk.commands, Telemetry("desk", None))
    assert desk.seals.index.at_hand == {}

    digest = judging.Digest(b"", "5y-2027", lambda _: None)

    assert not digest.is_of(*await kept(desk))
    assert await desk.pool.fetchval("SELECT count(*) FROM index_key") == 0


async def test_a_key_that_cannot_be_made_stops_no_other(desk: Desk) -> None:
    index = IndexKeys(desk.city, desk.city)
    desk.city.known = frozenset({"5y-2027"})
    index.want({"5y-2026", "5y-2027", "10y-2026"})

    await index.refresh(desk.commands, Telemetry("desk", None))

    assert set(index.at_hand) == {"5y-2026", "5y-2027"}
