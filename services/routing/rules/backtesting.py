"""Rule sets tried on cases of the past: where they agree with what was recorded, and who would move where. Pure.

* A rule set decides as if it had been in force: as `assigning.assign` decides, with its organisation of the day on which the
  case came (or of one day for all), under the overlays that were on. A case that several departments get agrees when the
  recorded one is among them. A deadline that its calendars do not reach is not counted, and sends nobody to triage.
* A case is *covered* when a department gets it; what goes to triage is not, and is counted by its cause.
* A case is *at risk* when it took longer than the rule set allows, counted from the day on which it came.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, NamedTuple

from services.routing.rules.assigning import TRIAGE, Assignment, Fact, assign, calendar_of, clock_of
from services.routing.rules.calendars import Calendar, NotCovered
from services.routing.rules.clock import Clock, due
from services.routing.rules.eras import Eras
from services.routing.rules.memos import Memo
from services.routing.rules.rule_sets import RoutingTable, RuleSet

Expected = Literal["department", "queue"]
Facts = tuple[tuple[str, Fact], ...]
"""Facts that can be counted: (name, value). One name has values of one type."""
Question = tuple[Facts, int, tuple[str, ...]]
"""Facts, the number of the era, the overlays that were on."""
KEPT = 500_000
"""Of how many different questions a rule set's decisions are remembered."""
RULE_SETS_KEPT = 64
"""Of how many eras, each with its overlays."""
NOBODY = (TRIAGE,)


class Said(NamedTuple):
    """Who gets a case; `cause` is set when that is triage."""

    who: tuple[str, ...]
    cause: str | None


Timer = tuple[Clock, Calendar]


class Judged(NamedTuple):
    """What a rule set does with a case; `timers` count its deadlines, by their numbers in the trial."""

    said: Said
    timers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Agreement:
    """How often rules said what was recorded. `agreement` is a share of the covered cases, `of_all` of all."""

    rows: int
    covered: int
    agreed: int

    @property
    def agreement(self) -> float:
        """None of none counts as none."""
        return self.agreed / self.covered if self.covered else 0.0

    @property
    def of_all(self) -> float:
        """What goes to triage counts as a disagreement."""
        return self.agreed / self.rows if self.rows else 0.0


@dataclass(frozen=True, slots=True)
class Move:
    """Cases that would go elsewhere."""

    source: str
    target: str
    rows: int


@dataclass(frozen=True, slots=True)
class Risk:
    """Of the `dated` cases, with an opening, a closing and a deadline: those that took longer, by who would have had them."""

    dated: int
    late: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Verdict:
    """How one rule set did. `disagreements` go from what was recorded to what it says, the largest first."""

    overall: Agreement
    departments: Mapping[str, Agreement]
    disagreements: Sequence[Move]
    load: Mapping[str, int]
    triage: Mapping[str, int]
    risk: Risk


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a history says of a rule set, or of two. `moves` go from the first to the second; of one, from what was recorded."""

    recorded: Mapping[str, int]
    """The load as it was."""
    verdicts: Sequence[Verdict]
    moves: Sequence[Move]


class Trial:
    """One rule set, and what it says of each case. `today` is a day that its calendars reach."""

    def __init__(self, rule_set: RuleSet, expected: Expected, today: date) -> None:
        self._expected, self._today = expected, today
        self._eras = Eras(rule_set)
        self._rule_sets = Memo(self._rule_set_of, room=RULE_SETS_KEPT)
        self._era = Memo(self._eras.number_of, room=KEPT)
        tables = _tables(rule_set)
        self._tables = {table.table.name: table for table in tables}
        self._queues = _queues(tables)
        self._timers: list[Timer] = []
        self._judged = Memo(self._judge, room=KEPT)
        self._due = Memo(self._due_on, room=KEPT)
        self.dated = 0
        self.late = Counter[str]()

    def judge(self, facts: Facts, day: date, overlays: tuple[str, ...]) -> Judged:
        """What it does with a case that came on `day` while these overlays were on."""
        return self._judged[facts, self._era[day], overlays]

    def _rule_set_of(self, key: tuple[int, tuple[str, ...]]) -> RuleSet:
        return self._eras.rule_set(*key)

    def time(self, judged: Judged, opened: date, closed: date) -> None:
        """Count a case that was closed: late when the last of its deadlines had passed."""
        ends = [self._due[timer, opened] for timer in judged.timers]
        if ends and None not in ends:
            self.dated += 1
            self.late[_together(judged.said.who)] += all(end is not None and closed > end for end in ends)

    def _judge(self, question: Question) -> Judged:
        facts, rule_set = dict(question[0]), self._rule_sets[question[1:]]
        assignments = assign(facts, rule_set, self._today)
        decided = [one for one in assignments if one.cause is None]
        who = tuple(dict.fromkeys(map(self._name, decided)))
        said = Said(who, None) if who else Said(NOBODY, assignments[0].cause)
        return Judged(said, tuple(self._timer(facts, rule_set, one) for one in decided))

    def _timer(self, facts: Mapping[str, Fact], rule_set: RuleSet, assignment: Assignment) -> int:
        """What counts the deadline, by its place among all that do: few, and quickly looked up."""
        route = self._tables[assignment.table].routes[assignment.rows[0]]
        timer = clock_of(facts, rule_set, route), calendar_of(facts, rule_set)
        if timer not in self._timers:
            self._timers.append(timer)
        return self._timers.index(timer)

    def _due_on(self, key: tuple[int, date]) -> date | None:
        timer, opened = key
        try:
            return due(*self._timers[timer], opened)
        except NotCovered:
            return None

    def _name(self, assignment: Assignment) -> str:
        """The department, or the queue that the deciding row puts out beside it."""
        if self._expected == "queue" and (queue := self._queues.get((assignment.table, assignment.rows[0]))):
            return queue
        return assignment.department

    @property
    def outputs(self) -> frozenset[str]:
        """All that its tables can say."""
        departments = {route.department for table in self._tables.values() for route in table.routes.values()}
        return frozenset(departments | (set(self._queues.values()) if self._expected == "queue" else set()))


def knows_queues(rule_set: RuleSet) -> bool:
    """Whether any row of it puts out a queue, so that there is something to compare with those that were recorded."""
    return bool(_queues(_tables(rule_set)))


def _tables(rule_set: RuleSet) -> list[RoutingTable]:
    """Its own, and those of its overlays."""
    return [*rule_set.tables, *(table for overlay in rule_set.overlays.values() for table in overlay.tables)]


def _queues(tables: Sequence[RoutingTable]) -> dict[tuple[str, str], str]:
    """By table and row, where a table has an output `queue`."""
    found: dict[tuple[str, str], str] = {}
    for table in (one.table for one in tables):
        names = [clause.name for clause in table.outputs]
        if "queue" in names:
            at = names.index("queue")
            found.update({(table.name, rule.name): str(rule.outputs[at]) for rule in table.rules if rule.outputs[at]})
    return found


Seen = Counter[tuple[str, tuple[Said, ...]]]
"""Cases by who had them and what each rule set says."""


class Backtest:
    """Counts the cases of a history as they come, in memory that depends on how many different ones there are.

    Each is decided as on the day on which it came, or all as on the day `on`; those without a day as on `today`.
    """

    def __init__(self, rule_sets: Sequence[RuleSet], expected: Expected, today: date, on: date | None = None) -> None:
        self.trials = [Trial(rule_set, expected, on or today) for rule_set in rule_sets]
        self._today, self._on = today, on
        self._seen: Seen = Counter()

    def add(
        self,
        facts: Facts,
        recorded: str,
        opened: date | None,
        closed: date | None,
        overlays: tuple[str, ...] = (),
    ) -> None:
        """Try the rules on a case; `recorded` is who had it, `overlays` are those that were on when it came."""
        day = self._on or opened or self._today
        judged = [trial.judge(facts, day, overlays) for trial in self.trials]
        self._seen[recorded, tuple([one.said for one in judged])] += 1
        if opened is not None and closed is not None:
            for trial, one in zip(self.trials, judged, strict=True):
                trial.time(one, opened, closed)

    def compare(self, meant: Callable[[str], str]) -> Comparison:
        """What has been found so far; `meant` gives a recorded name as the rules have it."""
        seen: Seen = Counter()
        for (recorded, said), rows in self._seen.items():
            seen[meant(recorded), said] += rows
        recorded = Counter[str]()
        moves = Counter[tuple[str, str]]()
        for (name, said), rows in seen.items():
            recorded[name] += rows
            moves[_moved(name, said)] += rows
        return Comparison(
            dict(recorded.most_common()),
            [_verdict(trial, _of_one(seen, at)) for at, trial in enumerate(self.trials)],
            _moves(moves),
        )


def _moved(recorded: str, said: Sequence[Said]) -> tuple[str, str]:
    """(who has a case, who would have it)."""
    first, last = said[0], said[-1]
    if len(said) > 1:
        return _together(first.who), _together(last.who)
    return recorded, recorded if recorded in first.who else _together(first.who)


def _of_one(seen: Seen, at: int) -> Counter[tuple[str, Said]]:
    found = Counter[tuple[str, Said]]()
    for (name, said), rows in seen.items():
        found[name, said[at]] += rows
    return found


def _verdict(trial: Trial, seen: Counter[tuple[str, Said]]) -> Verdict:
    load, triage, wrong = Counter[str](), Counter[str](), Counter[tuple[str, str]]()
    for (name, said), rows in seen.items():
        load.update(dict.fromkeys(said.who, rows))
        if said.cause is not None:
            triage[said.cause] += rows
        elif name not in said.who:
            wrong[name, _together(said.who)] += rows
    names = sorted({name for name, _ in seen})
    departments = {name: _agreement({key: rows for key, rows in seen.items() if key[0] == name}) for name in names}
    return Verdict(
        _agreement(seen),
        departments,
        _moves(wrong),
        dict(load.most_common()),
        dict(triage),
        Risk(trial.dated, {who: late for who, late in trial.late.most_common() if late}),
    )


def _agreement(seen: Mapping[tuple[str, Said], int]) -> Agreement:
    covered = sum(rows for (_, said), rows in seen.items() if said.cause is None)
    agreed = sum(rows for (name, said), rows in seen.items() if name in said.who and said.cause is None)
    return Agreement(sum(seen.values()), covered, agreed)


def _moves(counted: Counter[tuple[str, str]]) -> list[Move]:
    """The largest first."""
    ordered = sorted(counted.items(), key=lambda found: (-found[1], found[0]))
    return [Move(source, target, rows) for (source, target), rows in ordered if source != target]


def _together(who: tuple[str, ...]) -> str:
    return " + ".join(who)
