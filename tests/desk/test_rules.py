from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import get_args
from uuid import UUID

import pytest

from services.desk import judging, refusals, rules, worklist
from services.desk.clock import Stage
from services.desk.judging import Command, Digest
from services.desk.rules import Arrival, Item, Name, State, Turn

CASE = UUID("019d7000-0000-7000-8000-000000000001")
TODAY = date(2026, 4, 11)
STATES: tuple[State, ...] = get_args(State)
COMMANDS: tuple[Name, ...] = get_args(Name)
STAGES = (
    Stage("assessment", date(2026, 4, 13), fixed=True),
    Stage("opinion", date(2026, 4, 8), fixed=True, ended_on=date(2026, 4, 9)),
    Stage("board", date(2026, 4, 12), fixed=False),
)

# Every command in every state, given by who holds the case: the state after it, or the refusal's code.
EXPECTED = """
                    open         claimed       waiting             returned             decided          closed
claim               claimed      claimed       waiting             waiting-for-routing  decided          case-closed
handover            claim-first  claimed       waiting             waiting-for-routing  decided          case-closed
request-correction  claim-first  waiting       correction-awaited  waiting-for-routing  already-decided  case-closed
extend              claim-first  claimed       waiting             waiting-for-routing  already-decided  case-closed
end-stage           claim-first  claimed       waiting             waiting-for-routing  already-decided  case-closed
return              claim-first  returned      returned            waiting-for-routing  already-decided  case-closed
decide              claim-first  decided       decided             waiting-for-routing  already-decided  case-closed
close               claim-first  decide-first  decide-first        waiting-for-routing  closed           case-closed
"""
ROWS = [line.split() for line in EXPECTED.strip().splitlines()]
CASES = [(row[0], state, found) for row in ROWS[1:] for state, found in zip(ROWS[0], row[1:], strict=True)]


def item(state: State, staff: str | None = "sato") -> Item:
    return Item(CASE, CASE, "0000-0000-0012-4", "residents", "moving-in", TODAY, state, staff, stages=STAGES)


def command(name: Name, staff: str = "sato") -> Command:
    to_staff = "suzuki" if name == "handover" else None
    until = {"request-correction": TODAY, "extend": TODAY + timedelta(1)}.get(name)
    digest = Digest(judging.digest(name, staff.encode()), judging.PLAIN, lambda _: None)
    return Command(name, staff, digest, to_staff, until, "assessment")


def arrival(case_id: UUID, department: str) -> Arrival:
    at = datetime(2026, 4, 10, tzinfo=UTC)
    return Arrival("rerouted", case_id, CASE, "r", department, "p", TODAY, at, b"{}", b"{}")


def test_the_table_below_has_every_command_and_every_state() -> None:
    assert (set(ROWS[0]), {row[0] for row in ROWS[1:]}) == (set(STATES), set(COMMANDS))


@pytest.mark.parametrize("name, state, found", CASES)
def test_a_command_of_whoever_holds_the_case(name: Name, state: State, found: str) -> None:
    verdict = judging.judge(item(state), command(name), TODAY)

    assert (verdict.refusal.code if verdict.refusal else verdict.item.state) == found


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("state", STATES)
def test_a_command_of_anybody_else_changes_nothing_that_somebody_holds(name: Name, state: State) -> None:
    verdict = judging.judge(item(state), command(name, "tanaka"), TODAY)

    assert (verdict.refusal == refusals.CLAIMED_BY_ANOTHER) == (state in ("claimed", "waiting", "decided"))


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("state", STATES)
def test_a_command_sent_again_is_recognised_whatever_the_state(name: Name, state: State) -> None:
    asked = command(name)
    before = replace(item(state, "suzuki"), last_command=asked.digest.value, command_key=asked.digest.key)

    verdict = judging.judge(before, asked, TODAY)

    assert (verdict.item, verdict.changed, verdict.refusal) == (before, False, None)


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("state", STATES)
def test_a_refused_command_leaves_the_item_as_it_was(name: Name, state: State) -> None:
    verdict = judging.judge(item(state), command(name), TODAY)

    assert not verdict.refusal or (verdict.item, verdict.changed) == (item(state), False)


@pytest.mark.parametrize("state", ["claimed", "waiting", "decided"])
def test_claiming_what_one_holds_already_changes_nothing(state: State) -> None:
    assert judging.judge(item(state), command("claim"), TODAY).changed is False


def test_a_handover_gives_the_case_to_the_colleague() -> None:
    assert judging.judge(item("claimed"), command("handover"), TODAY).item.staff == "suzuki"


def test_a_returned_case_is_nobodys() -> None:
    assert judging.judge(item("claimed"), command("return"), TODAY).item.staff is None


def test_nobody_hands_a_case_over_to_themselves() -> None:
    asked = replace(command("handover"), to_staff="sato")

    assert judging.judge(item("claimed"), asked, TODAY).refusal == refusals.TO_SELF


def test_a_correction_cannot_be_due_in_the_past() -> None:
    asked = replace(command("request-correction"), until=date(2026, 4, 10))

    assert judging.judge(item("claimed"), asked, TODAY).refusal == refusals.UNTIL_PAST


@pytest.mark.parametrize(
    "until, today, said",
    [
        (TODAY, TODAY, refusals.NO_LATER),
        (TODAY - timedelta(1), TODAY, refusals.NO_LATER),
        (TODAY + timedelta(30), TODAY + timedelta(1), refusals.DEADLINE_PASSED),
        (TODAY + timedelta(1), TODAY, None),
    ],
)
def test_a_deadline_is_extended_to_a_later_day_before_it_is_over(
    until: date, today: date, said: refusals.Refusal | None
) -> None:
    asked = replace(command("extend"), until=until)

    assert judging.judge(item("claimed"), asked, today).refusal == said


def test_a_clock_that_stands_still_can_be_extended_whatever_the_day_to_one_to_come() -> None:
    still, later = replace(item("waiting"), stands_still=True), TODAY + timedelta(5)

    assert judging.judge(still, replace(command("extend"), until=later + timedelta(1)), later).refusal is None
    assert judging.judge(still, replace(command("extend"), until=later), later).refusal == refusals.NO_LATER


@pytest.mark.parametrize(
    "stage, said",
    [
        ("assessment", None),
        ("opinion", refusals.STAGE_ENDED),
        ("board", refusals.STAGE_WAITS),
        ("visit", refusals.NO_SUCH_STAGE),
    ],
)
def test_a_stage_ends_once_and_after_those_that_it_waits_for(stage: str, said: refusals.Refusal | None) -> None:
    assert judging.judge(item("claimed"), replace(command("end-stage"), stage=stage), TODAY).refusal == said


def test_a_stage_that_is_late_is_overdue_and_one_that_has_ended_or_not_begun_is_not() -> None:
    later = TODAY + timedelta(3)
    found = replace(item("claimed"), due_on=later)

    assert (rules.overdue(found, later), found.clock.late_stages(later)) == (True, ["assessment"])
    assert not rules.overdue(found, STAGES[0].due_on)
    assert not rules.overdue(replace(found, stages=STAGES[1:]), later)


def test_a_clock_that_stands_still_is_not_overdue() -> None:
    assert not rules.overdue(replace(item("claimed"), stands_still=True, stages=()), date(2026, 5, 1))


def test_of_several_turns_of_a_clock_the_last_counts() -> None:
    at, other = datetime(2026, 4, 10, tzinfo=UTC), UUID(int=CASE.int + 1)
    turns = [Turn(one, at, day, None, b"{}") for one, day in ((CASE, None), (other, TODAY), (CASE, TODAY))]

    assert [(turn.case_id, turn.due_on) for turn in rules.last_turns(turns)] == [(CASE, TODAY), (other, TODAY)]


def test_another_command_with_the_same_words_has_another_digest() -> None:
    assert judging.digest("claim", b"{}") != judging.digest("close", b"{}")


def test_only_waiting_items_resume_and_forget_their_last_command() -> None:
    waiting = replace(item("waiting"), last_command=b"1")

    items = [item("claimed"), waiting, item("decided")]
    at = datetime(2026, 4, 10, tzinfo=UTC)
    asked = {waiting.case_id: at}

    resumed = rules.resumed(items, asked, {waiting.application_id: at})
    too_early = rules.resumed(items, asked, {waiting.application_id: at - timedelta(seconds=1)})

    assert resumed == [replace(item("claimed"), last_command=None)]
    assert too_early == []


def test_only_the_last_department_of_a_batch_counts_and_cases_come_in_the_order_of_their_ids() -> None:
    other = UUID(int=CASE.int + 1)

    found = rules.last_of_each([arrival(other, "a"), arrival(CASE, "b"), arrival(other, "c")])

    assert [(one.case_id, one.department) for one in found] == [(CASE, "b"), (other, "c")]


def test_the_day_begins_at_midnight_in_japan() -> None:
    assert rules.today(datetime(2026, 4, 10, 14, 59, tzinfo=UTC)) == date(2026, 4, 10)
    assert rules.today(datetime(2026, 4, 10, 15, 0, tzinfo=UTC)) == date(2026, 4, 11)


@pytest.mark.parametrize("state", STATES)
def test_only_work_that_the_department_can_do_is_overdue(state: State) -> None:
    assert rules.overdue(item(state), date(2026, 4, 12)) == (state in ("open", "claimed", "returned"))
    assert not rules.overdue(item(state), TODAY)


def test_a_cursor_reads_back_as_the_place_it_was_made_of() -> None:
    assert worklist.read_cursor(worklist.cursor(item("open"))) == (TODAY, CASE)


@pytest.mark.parametrize("text", ["x", "AAAA", "あ", "====", "A" * 27, "A" * 40])
def test_what_is_not_a_cursor_is_recognised(text: str) -> None:
    assert worklist.read_cursor(text) is None


def test_every_state_and_every_step_has_words() -> None:
    assert set(worklist.STATES) == set(STATES)
    assert set(worklist.STEPS) >= {
        *COMMANDS,
        "opened",
        "rerouted",
        "sent-to-triage",
        "correction-accepted",
        "withdrawn",
        "deadline-moved",
    }
