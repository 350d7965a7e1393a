"""The life of a rule set: candidate → checked → back-tested → approved by a second person → in force → superseded.

Nothing here looks into the rules: it says who may do what with a set in which state, and which set decides at an instant.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

State = Literal["candidate", "checked", "back-tested", "approved", "in-force", "superseded", "withdrawn"]
Step = Literal["back-test", "approve", "withdraw"]


@dataclass(frozen=True, slots=True)
class Words:
    """One thing said in Japanese and in English."""

    ja: str
    en: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a step is not taken: a stable code, and words that say what to do instead."""

    code: str
    words: Words


@dataclass(frozen=True, slots=True)
class Life:
    """Where a rule set stands. `hash` is its name."""

    hash: str
    state: State
    proposed_by: str
    approved_by: str | None = None
    in_force_from: datetime | None = None
    proven_from: datetime | None = None
    """From when the check looked ahead: rules for 1 April may name units that begin then."""


FAULTY = Refusal(
    "rule-set-has-errors",
    Words(
        "この規則案には誤りがあります。検査の結果をご確認のうえ、直した案を改めて提出してください。",
        "This candidate has errors: see what the check found, and propose a corrected one.",
    ),
)
TEST_FIRST = Refusal(
    "back-test-first",
    Words(
        "先に過去の案件で試してください（madoguchi rules backtest）。",
        "Try it on history first (madoguchi rules backtest).",
    ),
)
SECOND_PERSON = Refusal(
    "second-person-needed",
    Words(
        "提出した本人は承認できません。別の職員に承認をご依頼ください。",
        "Whoever proposed a rule set cannot approve it: ask a colleague.",
    ),
)
FROM_PAST = Refusal(
    "in-force-from-past",
    Words(
        "施行日時には現在以降をご指定ください。受付済みの申請の判断は変えられません。",
        "`in_force_from` is past: what was received is decided already; name now or a later time.",
    ),
)
UNPROVEN_THEN = Refusal(
    "not-proven-for-that-day",
    Words(
        "この規則は、提出時に示された施行日時より前については検査されていません。その日時以降をご指定ください。",
        "This set was proposed for a later instant and checked from that on: name that instant or a later one.",
    ),
)
SETTLED = Refusal(
    "rule-set-settled",
    Words(
        "この規則は承認または取下げ済みです。変更は新しい案としてご提出ください。",
        "This rule set is approved or withdrawn already: propose a change as a new one.",
    ),
)
IN_FORCE = Refusal(
    "rule-set-in-force",
    Words(
        "施行中または施行済みの規則は取り下げられません。新しい案で置き換えてください。",
        "A set that is or was in force cannot be withdrawn: supersede it with another.",
    ),
)

TABLE: Mapping[Step, Mapping[State, State | Refusal]] = {
    "back-test": {
        "candidate": FAULTY,
        "checked": "back-tested",
        "back-tested": "back-tested",
        "approved": SETTLED,
        "in-force": SETTLED,
        "superseded": SETTLED,
        "withdrawn": SETTLED,
    },
    "approve": {
        "candidate": FAULTY,
        "checked": TEST_FIRST,
        "back-tested": "approved",
        "approved": SETTLED,
        "in-force": SETTLED,
        "superseded": SETTLED,
        "withdrawn": SETTLED,
    },
    "withdraw": {
        "candidate": "withdrawn",
        "checked": "withdrawn",
        "back-tested": "withdrawn",
        "approved": "withdrawn",
        "in-force": IN_FORCE,
        "superseded": IN_FORCE,
        "withdrawn": SETTLED,
    },
}


def proposed(name: str, staff: str, errors: int, proven_from: datetime | None = None) -> Life:
    """A candidate that has been checked from an instant on; with errors it goes no further."""
    return Life(name, "candidate" if errors else "checked", staff, proven_from=proven_from)


def installed(name: str, now: datetime) -> Life:
    """The first rules of a city: they come with the installation, and whoever installs answers for them."""
    return Life(name, "approved", "installation", None, now)


def back_test(life: Life) -> Life | Refusal:
    """Note that a history was tried."""
    return _taken(life, "back-test")


def approve(life: Life, staff: str, in_force_from: datetime, now: datetime) -> Life | Refusal:
    """A second person approves; from an instant that is not past, for what was received is decided already."""
    after = _taken(life, "approve")
    if isinstance(after, Refusal):
        return after
    if staff.casefold() == life.proposed_by.casefold():
        return SECOND_PERSON
    if in_force_from < now:
        return FROM_PAST
    if life.proven_from and in_force_from < life.proven_from:
        return UNPROVEN_THEN
    return replace(after, approved_by=staff, in_force_from=in_force_from)


def withdraw(life: Life, now: datetime) -> Life | Refusal:
    """Take back what does not decide: an approved set decides from its instant on, announced or not."""
    if life.state == "approved" and life.in_force_from and life.in_force_from <= now:
        return IN_FORCE
    return _taken(life, "withdraw")


def _taken(life: Life, step: Step) -> Life | Refusal:
    after = TABLE[step][life.state]
    return after if isinstance(after, Refusal) else replace(life, state=after)


@dataclass(frozen=True, slots=True)
class Succession:
    """A set comes into force; `superseded` is what decided before it."""

    coming: Life
    superseded: Life | None


def successions(lives: Sequence[Life], now: datetime) -> list[Succession]:
    """Which approved sets have come due, each after the other, oldest first; of two at one instant the later approved wins.

    `lives` are those approved or in force, in the order in which they were approved.
    """
    current = next((life for life in lives if life.state == "in-force"), None)
    due = [life for life in lives if life.state == "approved" and life.in_force_from and life.in_force_from <= now]
    found: list[Succession] = []
    for life in sorted(due, key=lambda one: one.in_force_from or now):
        coming = replace(life, state="in-force")
        found.append(Succession(coming, replace(current, state="superseded") if current else None))
        current = coming
    return found


def changed(succession: Succession) -> list[Life]:
    """The lives that a succession changes, in the order in which they are written: two are never in force at once."""
    return [life for life in (succession.superseded, succession.coming) if life is not None]


@dataclass(frozen=True, slots=True)
class Term:
    """From when a rule set decides."""

    since: datetime
    hash: str


def standing(terms: Sequence[Term], now: datetime) -> list[str]:
    """The sets that decide what is received from now on: that of today, and those approved for later."""
    if not terms:
        return []
    return list(dict.fromkeys([deciding(terms, now)[0], *(term.hash for term in terms if term.since > now)]))


def deciding(terms: Sequence[Term], at: datetime) -> list[str]:
    """The set that decides what was received at an instant: the last one that began by then; before all, the first.

    After it those that decide where it cannot: the ones before, and then the ones to come. `terms` are in the order of their
    beginning, and there is at least one.
    """
    begun = [term.hash for term in terms if term.since <= at]
    return [*begun[::-1], *(term.hash for term in terms if term.since > at)]
