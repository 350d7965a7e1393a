"""What a desk accepts of a clock counts in routing, whatever is still on its way between them."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.desk.judging import PLAIN, Command, Digest, judge
from services.desk.rules import Item
from services.routing.rules.clock import local_day
from services.routing.rules.deadlines import Case, Happened, deadline_of, move
from tests.routing.test_deadlines import CASES, RECEIVED, after, at

NOBODY = UUID(int=0)
Act = tuple[str, int]
ACTS = st.one_of(
    st.tuples(st.just("wait"), st.integers(1, 9)),
    st.tuples(st.just("ask"), st.just(0)),
    st.tuples(st.just("supply"), st.just(0)),
    st.tuples(st.just("extend"), st.integers(-2, 40)),
    st.tuples(st.just("hear"), st.just(0)),
)


@dataclass(slots=True)
class Both:
    """A desk and routing, and what routing has said that the desk has not heard. It hears all before a day ends."""

    case: Case
    now: datetime
    item: Item
    happened: list[Happened] = field(default_factory=lambda: list[Happened]())
    unheard: list[Item] = field(default_factory=lambda: list[Item]())
    told: list[date] = field(default_factory=lambda: list[date]())

    def do(self, act: Act) -> None:
        what, number = act
        {"wait": self.wait, "ask": self.ask, "supply": self.supply, "extend": self.extend, "hear": self.hear}[what](
            number
        )

    def wait(self, days: int) -> None:
        self.hear(0)
        self.now += timedelta(days=days)

    def hear(self, _: int) -> None:
        for said in self.unheard:
            self.item = replace(self.item, due_on=said.due_on, stands_still=said.stands_still)
        self.unheard.clear()

    def ask(self, _: int) -> None:
        self.now += timedelta(seconds=1)
        if self.order("request-correction", None):
            self.tell(Happened("correction-requested", self.now))

    def supply(self, _: int) -> None:
        self.now += timedelta(seconds=1)
        if self.item.state == "waiting":
            self.item = replace(self.item, state="claimed", last_command=None)
        self.tell(Happened("correction-accepted", self.now))

    def extend(self, days: int) -> None:
        self.now += timedelta(seconds=1)
        until = max(self.item.due_on, local_day(self.now)) + timedelta(days=days)
        if self.order("extend", until):
            self.told.append(until)
            self.tell(Happened("extended", self.now, until))

    def order(self, name: str, until: date | None) -> bool:
        digest = Digest(str(self.now).encode(), PLAIN, lambda _: None)
        command = Command(name, "sato", digest, until=until)  # pyright: ignore[reportArgumentType]  a Name
        verdict = judge(self.item, command, local_day(self.now))
        self.item = verdict.item
        return verdict.changed

    def tell(self, new: Happened) -> None:
        moved = move(self.case, self.happened, new).deadline
        self.happened.append(new)
        if moved:
            due_on = (
                self.item.due_on if moved.stands_still else moved.due
            )  # a clock that stands still is told without a day
            self.unheard.append(replace(self.item, due_on=due_on, stands_still=moved.stands_still))


def both(case: Case) -> Both:
    item = Item(NOBODY, NOBODY, "", case.department, "", deadline_of(case, ()).due, "claimed", "sato")
    return Both(case, at(RECEIVED), item)


@given(st.sampled_from(CASES), st.lists(ACTS, max_size=25))
def test_every_extension_that_a_desk_accepts_counts_and_no_day_told_is_beyond_the_last(
    case: Case, acts: Sequence[Act]
) -> None:
    pair = both(case)
    for act in acts:
        pair.do(act)

    found = deadline_of(case, pair.happened)

    assert [why for what, why in found.left_out.items() if what.kind == "extended"] == []
    assert pair.told == sorted(set(pair.told))
    assert found.due >= max(pair.told, default=date.min)


@pytest.mark.parametrize(
    "acts", [[("extend", 30), ("extend", 10)], [("ask", 0), ("extend", 3), ("wait", 9), ("supply", 0)]]
)
def test_two_extensions_at_once_and_one_during_a_correction(acts: list[Act]) -> None:
    pair = both(CASES[0])
    for act in acts:
        pair.do(act)

    assert len(pair.told) == 1
    assert pair.told[0] > after(30)
    assert deadline_of(pair.case, pair.happened).left_out == {}
