from uuid import UUID

import pytest

from contracts.ids import uuid7
from contracts.topics import EVENTS
from services.intake import rules, timeline
from services.intake.timeline import Step
from tests.intake.conftest import CLOSED, CORRECTED, NOW, OPENED, WITHDRAWN, Intake, application, event, progress

FIRST, SECOND, THIRD = (uuid7(NOW) for _ in range(3))


def is_on_timelines(name: str) -> bool:
    from_vendors = "submitted" in name or name.endswith("withdrawn.v1")
    return rules.is_about_an_application(name) and not from_vendors


@pytest.mark.parametrize("name", list(filter(is_on_timelines, EVENTS)))
def test_every_event_has_words_for_the_citizen_in_three_registers(name: str) -> None:
    words = timeline.words_of(name)

    assert timeline.TIMELINE.get(name.removeprefix("jp.madoguchi.").rsplit(".", 1)[0]) == words or "rejected" in name
    assert words.ja
    assert words.easy
    assert words.en


def test_what_is_suggested_to_staff_is_on_no_timeline() -> None:
    assert not rules.is_about_an_application("jp.madoguchi.case.departments-suggested.v1")


def closing(case_id: UUID, cause: str = "decided") -> Step:
    return Step(NOW, CLOSED, case_id=case_id, cause=cause)


def opening(case_id: UUID, cases: int | None) -> Step:
    return Step(NOW, OPENED, case_id=case_id, cases=cases)


def test_of_several_cases_only_the_last_closing_is_the_end() -> None:
    opened = [opening(case_id, 3) for case_id in (FIRST, SECOND, THIRD)]

    told = timeline.tell([*opened, closing(SECOND), closing(FIRST), closing(THIRD)])[3:]

    assert [words.ja for words in told] == [
        "3件の手続きのうち1件が完了しました。",
        "3件の手続きのうち2件が完了しました。",
        "手続きが完了しました。",
    ]
    assert [words.en for words in told][:2] == [
        "1 of the 3 parts of your application is complete.",
        "2 of the 3 parts of your application are complete.",
    ]
    assert all("終" in words.easy for words in told)


def test_a_closing_before_the_other_openings_is_not_the_end() -> None:
    told = timeline.tell([opening(FIRST, 2), closing(FIRST), opening(SECOND, 2)])

    assert told[1].ja == "2件の手続きのうち1件が完了しました。"


def test_a_clock_that_stands_still_is_told_as_days_that_do_not_count_and_otherwise_the_day_is() -> None:
    kind = "jp.madoguchi.case.deadline-moved.v1"

    still, going = timeline.tell([Step(NOW, kind), Step(NOW, kind, due_on=NOW.date())])

    assert (still, going) == (timeline.STANDS_STILL, timeline.TIMELINE["case.deadline-moved"])


def test_the_closing_of_the_only_case_is_the_end() -> None:
    assert timeline.tell([opening(FIRST, None), closing(FIRST)])[1].ja == "手続きが完了しました。"


def test_what_ended_with_a_withdrawal_is_not_called_complete() -> None:
    assert timeline.tell([opening(FIRST, None), closing(FIRST, "withdrawn")])[1] == timeline.ENDED_BY_WITHDRAWAL


async def read(intake: Intake, receipt: str) -> list[dict[str, str]]:
    """The timeline as a citizen reads it."""
    return (await intake.get(receipt)).json()["timeline"]


async def test_a_citizen_reads_how_many_of_the_cases_are_through(intake: Intake) -> None:
    sent = application()
    receipt = (await intake.post(sent)).json()["receipt"]

    await intake.note(*(progress(OPENED, sent["subject"], case_id, 2) for case_id in (FIRST, SECOND)))
    await intake.note(progress(CLOSED, sent["subject"], FIRST))
    partly = await read(intake, receipt)
    await intake.note(progress(CLOSED, sent["subject"], SECOND))
    wholly = await read(intake, receipt)

    assert "2件の手続きのうち1件が完了しました。" in [step["ja"] for step in partly]
    assert "手続きが完了しました。" not in [step["ja"] for step in partly]
    assert "手続きが完了しました。" in [step["ja"] for step in wholly]


async def test_a_citizen_reads_that_a_correction_and_a_withdrawal_came(intake: Intake) -> None:
    sent = application()
    receipt = (await intake.post(sent)).json()["receipt"]

    for kind, instant in ((CORRECTED, "submitted_at"), (WITHDRAWN, "withdrawn_at")):
        data = {"application_id": sent["subject"], instant: "2026-11-25T00:00:00Z"}
        assert (await intake.post(event(kind, sent["subject"], data))).status_code == 201

    assert [step["ja"] for step in await read(intake, receipt)] == [
        "申請を受け付けました。",
        "補正を受け付けました。",
        "取下げを受け付けました。",
    ]
