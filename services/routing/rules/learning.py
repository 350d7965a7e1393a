"""A decision table proposed from cases that people decided: few columns, few rows, for a person to read and to correct.

Which inputs it looks at is found by adding one at a time, for exceptions or beneath all rows, as long as cases that were held
back are decided better by it than chance explains; every row must earn its place. So what came by chance is not learnt by heart.

Values are taken as they are: no intervals of numbers or dates are looked for.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import sqrt

from services.routing.rules.compiling import compile_table
from services.routing.rules.examples import Decided, Examples, Key, count, hold_back, most
from services.routing.rules.noting import SURE, note
from services.routing.rules.rule_lists import ROW_WORTH, Line, Shape, inputs_of, learn_lines, make_table
from services.routing.rules.tables import DecisionTable, Output

PARTS = 5
"""A fifth of the cases is held back at a time."""
MOST_INPUTS = 4
GAIN = 0.001
"""What share of the cases held back another input must put right."""
FEW = 20
"""Fewer cases say nothing about how often a row is right."""


@dataclass(frozen=True, slots=True)
class Trial:
    """How a table did on cases that it was not learnt from. What it did not decide counts as wrong."""

    cases: int
    covered: int
    right: int

    @property
    def accuracy(self) -> float:
        """The share of all cases that it decided as people did."""
        return self.right / self.cases if self.cases else 0.0

    @property
    def agreement(self) -> float:
        """The share of the cases that it decided at all: the rest goes to a person."""
        return self.right / self.covered if self.covered else 0.0


@dataclass(frozen=True, slots=True)
class Proposal:
    """A table, and how tables of its inputs, learnt without some of the cases, did on these. No table: nothing was found."""

    table: DecisionTable | None
    shuffled: Trial
    """A fifth of the cases held back, five times."""
    latest: Trial
    """The last fifth held back: what the past says of what comes after it."""


@dataclass(frozen=True, slots=True)
class _Attempt:
    """A shape, and what tables of it said of all cases held back; how many rows they have at most."""

    shape: Shape
    said: tuple[Mapping[Key, str | None], ...]
    rows: int


Held = Sequence[tuple[Examples, Examples]]


def learn(name: str, target: str, inputs: Sequence[str], decided: Sequence[Decided]) -> Proposal:
    """A table that puts out `target`, from decided cases in the order of time. The key of a case has a value an input."""
    held = list(hold_back(inputs, decided, PARTS))
    best = _search(inputs, held)
    rest = _for_the_rest(best, held)
    table = _fit(count(inputs, decided), best.shape, rest)
    trials = [_trial(said, back, rest) for said, (_, back) in zip(best.said, held, strict=True)]
    table = replace(table, name=name, outputs=(Output(target, "string"),))
    return Proposal(table if table.rules else None, _together(trials[:PARTS]), trials[PARTS])


def _search(inputs: Sequence[str], held: Held) -> _Attempt:
    """The best shape, found by adding an input at a time."""
    attempt = partial(_attempt, held)
    best = baseline = _Attempt((), tuple(_commonest(learnt, back) for learnt, back in held), 0)
    while len(inputs_of(best.shape)) < MOST_INPUTS:
        gains = [
            (_gain(best, other, held), -at, other) for at, other in enumerate(map(attempt, _next(best.shape, inputs)))
        ]
        gain, _, other = max(gains, key=lambda found: found[:2], default=(0.0, 0, best))
        if gain <= 0:
            break
        best = other
    return best if best is not baseline else attempt(())


def _next(shape: Shape, inputs: Sequence[str]) -> Iterator[Shape]:
    """Shapes with an input more: in the exceptions, or to say something where nothing is known yet."""
    for name in inputs:
        if name not in inputs_of(shape):
            yield ((*(shape[0] if shape else ()), name), *shape)
            if shape:
                yield (*shape, (name,))


def _attempt(held: Held, shape: Shape) -> _Attempt:
    tables = [_fit(learnt, shape) for learnt, _ in held]
    said = tuple(_say(table, back) for table, (_, back) in zip(tables, held, strict=True))
    return _Attempt(shape, said, max(len(table.rules) for table in tables))


def _fit(examples: Examples, shape: Shape, rest: str | None = None) -> DecisionTable:
    """The table of this shape that examples speak for, with `rest` for what no row holds for."""
    seen = examples.project(inputs_of(shape) or examples.inputs[:1])
    lines = [*learn_lines(seen, shape), *([Line({}, rest)] if rest else [])]
    return note(make_table(seen.inputs, lines), seen)


def _say(table: DecisionTable, back: Examples) -> dict[Key, str | None]:
    compiled = compile_table(table)
    places = [(clause.name, back.inputs.index(clause.name)) for clause in table.inputs]
    said: dict[Key, str | None] = {}
    for key in back.counts:
        result = compiled.decide({name: key[at] for name, at in places}).result
        said[key] = result if isinstance(result, str) else None
    return said


def _commonest(learnt: Examples, back: Examples) -> dict[Key, str | None]:
    """What is said without looking at anything."""
    who = most(sum(learnt.counts.values(), Counter[str]())) if learnt.counts else None
    return dict.fromkeys(back.counts, who)


def _gain(one: _Attempt, other: _Attempt, held: Held) -> float:
    """How many cases held back `other` puts right beyond what chance and its rows account for (two standard deviations)."""
    better = worse = cases = 0
    for ours, theirs, (_, back) in zip(one.said, other.said, held, strict=True):
        for key, counted in back.counts.items():
            right, wrong = _change(counted, ours.get(key), theirs.get(key))
            better, worse, cases = better + right, worse + wrong, cases + counted.total()
    needed = max(GAIN * cases, 2 * sqrt(better + worse)) + max(other.rows - one.rows, 0) * ROW_WORTH * cases
    return better - worse - needed


def _change(counted: Counter[str], before: str | None, after: str | None) -> tuple[int, int]:
    """(cases put right, cases gone wrong). A wrong answer is worse than none: then a person decides."""
    if before == after:
        return 0, 0
    right = counted[after or ""]
    return right, counted.total() - right if before is None else counted[before]


def _for_the_rest(best: _Attempt, held: Held) -> str | None:
    """Who gets what no row holds for, if that is nearly always right among the cases held back."""
    left = Counter[str]()
    for said, (_, back) in zip(best.said, held, strict=True):
        for key, counted in back.counts.items():
            left.update(counted if said.get(key) is None else ())
    who = most(left) if left.total() >= FEW else None
    return who if who is not None and left[who] >= SURE * left.total() else None


def _trial(said: Mapping[Key, str | None], back: Examples, rest: str | None) -> Trial:
    answers = {key: said.get(key) or rest for key in back.counts}
    covered = sum(counted.total() for key, counted in back.counts.items() if answers[key] is not None)
    return Trial(back.total, covered, sum(counted[answers[key] or ""] for key, counted in back.counts.items()))


def _together(trials: Sequence[Trial]) -> Trial:
    return Trial(
        sum(trial.cases for trial in trials),
        sum(trial.covered for trial in trials),
        sum(trial.right for trial in trials),
    )


def add_output(table: DecisionTable, name: str, of: Mapping[str, str]) -> DecisionTable:
    """The table with another output after its own: `of` says which value goes with which of its own."""
    rules = (replace(rule, outputs=(*rule.outputs, of.get(str(rule.outputs[0])))) for rule in table.rules)
    return replace(table, outputs=(*table.outputs, Output(name, "string")), rules=tuple(rules))
