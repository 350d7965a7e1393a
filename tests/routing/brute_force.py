"""What is wrong with a small table, found by going through its cases one by one; and tables small enough for that.

The cells name few values; `AROUND` has, for each kind, those values and by hand one in every interval between them.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, timezone
from functools import cache
from itertools import combinations, product

from hypothesis import strategies as st

from services.routing.rules.cells import ANYTHING, Cell, Equal, Range, values_of
from services.routing.rules.findings import FindingKind
from services.routing.rules.hits import outcome
from services.routing.rules.interpreting import hits
from services.routing.rules.tables import HIT_POLICIES, DecisionTable, HitPolicy, Input, Output, Rule
from services.routing.rules.values import KINDS, Kind, Months, Value, is_less, is_same

JST = timezone(timedelta(hours=9))
NAMED: Mapping[Kind, list[Value]] = {
    "string": ["", "a", "b"],
    "number": [0, 1, 1.0, 1.5],
    "boolean": [False, True],
    "date": [date(2026, 3, 31), date(2026, 4, 1), date(2027, 3, 31)],
    "date-time": [
        datetime(2026, 4, 1),  # noqa: DTZ001  FEEL has such
        datetime(2026, 4, 1, 9),  # noqa: DTZ001
        datetime(2026, 4, 1, tzinfo=UTC),
        datetime(2026, 4, 2, tzinfo=JST),
    ],
    "time": [time(0), time(9), time(23, 59, 59, 999_999), time(9, tzinfo=JST), time(23, 59, 59, 999_999, tzinfo=JST)],
    "days-duration": [timedelta(0), timedelta(microseconds=1), timedelta(hours=36)],
    "months-duration": [Months(0), Months(1), Months(14)],
}
AROUND: Mapping[Kind, list[Value]] = {
    "string": ["", "!", "a", "a2", "b", "c"],
    "number": [-0.5, 0, 0.5, 1, 1.25, 1.5, 10**20],
    "boolean": [False, True],
    "date": [date(2026, 3, 30), date(2026, 3, 31), date(2026, 4, 1), date(2026, 4, 2), date(2027, 3, 31), date.max],
    "date-time": [
        datetime(2026, 3, 31, 23),  # noqa: DTZ001
        datetime(2026, 4, 1),  # noqa: DTZ001
        datetime(2026, 4, 1, 8),  # noqa: DTZ001
        datetime(2026, 4, 1, 9),  # noqa: DTZ001
        datetime(2026, 4, 1, 10),  # noqa: DTZ001
        datetime(2026, 4, 1, 8, tzinfo=JST),
        datetime(2026, 4, 1, 9, tzinfo=JST),
        datetime(2026, 4, 1, 10, tzinfo=JST),
        datetime(2026, 4, 1, 15, tzinfo=UTC),
        datetime(2026, 4, 1, 16, tzinfo=UTC),
    ],
    "time": [
        time(0),
        time(8),
        time(9),
        time(10),
        time(23, 59, 59, 999_999),
        time(8, tzinfo=JST),
        time(9, tzinfo=JST),
        time(10, tzinfo=JST),
        time(23, 59, 59, 999_999, tzinfo=JST),
    ],
    "days-duration": [timedelta(-1), timedelta(0), timedelta(microseconds=1), *(timedelta(day) for day in (1, 1.5, 2))],
    "months-duration": [Months(count) for count in (-1, 0, 1, 2, 14, 15)],
}
Case = Mapping[str, Value | None]


def cases(table: DecisionTable, missing: Collection[str]) -> list[dict[str, Value | None]]:
    """Every case that the cells tell apart, as a fact for each input."""
    columns = [_values(table, at, may_be_missing=clause.name in missing) for at, clause in enumerate(table.inputs)]
    return [dict(zip((clause.name for clause in table.inputs), case, strict=True)) for case in product(*columns)]


def _values(table: DecisionTable, at: int, *, may_be_missing: bool) -> list[Value | None]:
    clause = table.inputs[at]
    asked = (*(rule.cells[at] for rule in table.rules), clause.allowed)
    kinds: list[Kind] = [cell.kind for cell in asked if cell.kind is not None]
    kind = clause.kind or (kinds[0] if kinds else "string")
    zones = {_has_zone(value) for cell in asked for test in cell.tests for value in values_of(test)} or {False}
    lying = [value for value in AROUND[kind] if _has_zone(value) in zones or kind == "boolean"]
    allowed: list[Value | None] = [value for value in lying if clause.allowed.holds(value)]
    return [*allowed, None] if may_be_missing else allowed


def _has_zone(value: Value) -> bool:
    return isinstance(value, (datetime, time)) and value.tzinfo is not None


@dataclass(frozen=True, slots=True)
class Wrong:
    """All that is wrong with a table: the rules of each finding; and the cases that no rule takes."""

    rules: Mapping[FindingKind, set[tuple[int, ...]]]
    gaps: list[dict[str, Value | None]]


def wrong(table: DecisionTable, missing: Collection[str]) -> Wrong:
    """Everything, by the definitions."""
    everything = cases(table, missing)
    held = [hits(table, case) for case in everything]
    by_rule = [frozenset(at for at, rules in enumerate(held) if rule in rules) for rule in range(len(table.rules))]
    together = {pair for rules in held for pair in combinations(rules, 2)}
    same = {pair for pair in together if _put_out_the_same(table, *pair)}
    deciding = {outcome(table, rules).rules[0] for rules in held if rules} if table.policy in ("F", "P") else set[int]()
    rules: dict[FindingKind, set[tuple[int, ...]]] = {
        "never-holds": {(rule,) for rule, where in enumerate(by_rule) if not where},
        "duplicate": _duplicates(table, by_rule),
    }
    if table.policy in ("F", "P"):
        rules["shadowed"] = {(rule,) for rule, where in enumerate(by_rule) if where and rule not in deciding}
    if table.policy in ("U", "A"):
        rules["conflict"] = together - same
    if table.policy == "U":
        rules["overlap"] = same
    has_default = all(clause.default is not None for clause in table.outputs)
    gaps = [] if has_default else [case for case, rules in zip(everything, held, strict=True) if not rules]
    return Wrong(rules, gaps)


def _duplicates(table: DecisionTable, by_rule: Sequence[frozenset[int]]) -> set[tuple[int, ...]]:
    alike = [
        pair
        for pair in combinations(range(len(by_rule)), 2)
        if by_rule[pair[0]] and by_rule[pair[0]] == by_rule[pair[1]] and _put_out_the_same(table, *pair)
    ]
    later = {rule for _, rule in alike}
    return {pair for pair in alike if pair[0] not in later}


def _put_out_the_same(table: DecisionTable, one: int, other: int) -> bool:
    return all(
        theirs is None if ours is None else theirs is not None and is_same(ours, theirs)
        for ours, theirs in zip(table.rules[one].outputs, table.rules[other].outputs, strict=True)
    )


@cache
def asking(kind: Kind) -> st.SearchStrategy[Cell]:
    values = st.sampled_from(NAMED[kind])
    ends = st.tuples(st.booleans(), st.booleans())
    half = st.builds(_above, values, st.booleans()) | st.builds(_below, values, st.booleans())
    test = st.builds(Equal, values) | half | st.builds(_between, values, values, ends)
    return st.builds(Cell, st.lists(test, min_size=1, max_size=2).map(tuple), st.booleans())


def _above(bound: Value, with_low: bool) -> Range:  # noqa: FBT001
    return Range(bound, None, with_low, with_high=False)


def _below(bound: Value, with_high: bool) -> Range:  # noqa: FBT001
    return Range(None, bound, with_low=False, with_high=with_high)


def _between(one: Value, other: Value, ends: tuple[bool, bool]) -> Range:
    low, high = (other, one) if is_less(other, one) else (one, other)
    return Range(low, high, *ends)


@cache
def _pools(kind: Kind) -> st.SearchStrategy[tuple[Cell, ...]]:
    """The cells of a column: so few, and with so little between them, that rows together take what others ask for."""
    return st.lists(asking(kind), min_size=1, max_size=4).map(_pool)


def _pool(drawn: Sequence[Cell]) -> tuple[Cell, ...]:
    cell, *more = drawn
    return (ANYTHING, cell, replace(cell, negated=not cell.negated), *more)


@cache
def _allowed(kind: Kind) -> st.SearchStrategy[Cell]:
    return st.just(ANYTHING) | asking(kind)


# Made once: what a strategy can draw is worked out when it is first used, which took longer than the drawing itself.
_POLICIES: st.SearchStrategy[HitPolicy] = st.sampled_from(("U", "A", "F", "P", *HIT_POLICIES))
_KINDS = {least: st.lists(st.sampled_from(KINDS), min_size=least, max_size=3) for least in range(4)}
_LEAST_KINDS, _COUNT_OF_OUTPUTS, _LEAST_ROWS = st.integers(0, 3), st.integers(1, 2), st.sampled_from((0, 3, 5))
_SAID = {kind: st.sampled_from((kind, None)) for kind in KINDS}
_DEFAULTS, _PUT_OUT, _MAY_BE_MISSING = (
    st.sampled_from((None, None, 9)),
    st.sampled_from((1, 1.0, 2, True, None)),
    st.booleans(),
)


@st.composite
def small_tables(draw: st.DrawFn) -> tuple[DecisionTable, list[str]]:
    """A table of at most 3 inputs and 7 rules, and the inputs that may be missing."""
    policy = draw(_POLICIES)
    kinds = draw(_KINDS[draw(_LEAST_KINDS)])
    allowed = [draw(_allowed(kind)) for kind in kinds]
    inputs = tuple(Input(f"in{at}", draw(_SAID[kind]), allowed[at]) for at, kind in enumerate(kinds))
    cells = st.tuples(*(st.sampled_from(draw(_pools(kind))) for kind in kinds))
    outputs = tuple(Output(f"out{at}", None, (2, 1), draw(_DEFAULTS)) for at in range(draw(_COUNT_OF_OUTPUTS)))
    put_out = st.tuples(*(_PUT_OUT for _ in outputs))
    drawn = draw(st.lists(st.tuples(cells, put_out), min_size=draw(_LEAST_ROWS), max_size=7))
    rules = tuple(Rule(f"row {at}", *row) for at, row in enumerate(drawn))
    missing = [clause.name for clause in inputs if draw(_MAY_BE_MISSING)]
    return DecisionTable("small", policy, inputs, outputs, rules), missing
