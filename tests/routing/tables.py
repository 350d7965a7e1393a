"""Random decision tables and facts, for Hypothesis.

Bounds and facts come from the same few values, so that points, ends of intervals and overlaps are met often; among the facts
there are also those that are missing, of another kind, not even comparable, or texts in a column of dates.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta, timezone
from functools import cache
from itertools import product
from random import Random
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from services.routing.rules.cells import ANYTHING, Cell, Equal, Range
from services.routing.rules.tables import HIT_POLICIES, DecisionTable, HitPolicy, Input, Output, Rule
from services.routing.rules.values import KINDS, Kind, Months, Value, is_less

JST = timezone(timedelta(hours=9))
VALUES: Mapping[Kind, list[Value]] = {
    "string": ["", "a", "b", "c", "2026-04-01"],
    "number": [-1, 0, 1, 1.0, 1.5, 2, 0.1, 10**20],
    "boolean": [False, True],
    "date": [date(2026, 3, 31), date(2026, 4, 1), date(2027, 3, 31)],
    "date-time": [
        datetime(2026, 4, 1),  # noqa: DTZ001  FEEL has such
        datetime(2026, 4, 1, 9),  # noqa: DTZ001
        datetime(2026, 4, 1, tzinfo=UTC),
        datetime(2026, 4, 1, 9, tzinfo=JST),
        datetime(2026, 4, 2, tzinfo=JST),
    ],
    "time": [time(9), time(9, tzinfo=JST), time(0, tzinfo=UTC), time(17, 15)],
    "days-duration": [timedelta(0), timedelta(days=1), timedelta(hours=36)],
    "months-duration": [Months(0), Months(1), Months(14)],
}
TEXTS: Mapping[Kind, list[object]] = {
    "date": ["2026-04-01", "2026-03-30", "2026-02-30"],
    "date-time": ["2026-04-01T00:00:00Z", "2026-04-01T09:00:00", "2026-04-01"],
    "time": ["09:00", "09:00+09:00", "25:00"],
    "days-duration": ["P1D", "PT36H", "P1Y"],
    "months-duration": ["P1M", "P1Y2M", "P1D"],
}
TWICE = datetime(2026, 10, 25, 2, 30, tzinfo=ZoneInfo("Europe/Paris"))
ODD: list[object] = [
    float("nan"),
    float("inf"),
    -0.0,
    3,
    None,
    ["a"],
    {"a": 1},
    ("a",),
    TWICE,
    TWICE.replace(fold=1),
    time(9, tzinfo=ZoneInfo("Asia/Tokyo")),
    *(value for values in VALUES.values() for value in values),
]


def _unary_tests(kind: Kind) -> list[Equal | Range]:
    values = VALUES[kind]
    ends = list(product((False, True), repeat=2))
    pairs = [(low, high) for low, high in product(values, repeat=2) if not is_less(high, low)]
    return [
        *map(Equal, values),
        *(Range(low, high, *closed) for (low, high), closed in product(pairs, ends)),
        *(Range(low, None, closed, with_high=False) for low, (closed, _) in product(values, ends)),
        *(Range(None, high, with_low=False, with_high=closed) for high, (closed, _) in product(values, ends)),
    ]


def _cells(kind: Kind) -> list[Cell]:
    """`-`, every test alone, negated or not, and lists of tests."""
    tests, chance = _unary_tests(kind), Random(kind)
    lists = [tuple(chance.choices(tests, k=chance.randint(2, 3))) for _ in range(200)]
    alone = [(test,) for test in tests]
    return [ANYTHING, *(Cell(listed, negated) for listed, negated in product((*alone, *lists), (False, True)))]


CELLS: Mapping[Kind, list[Cell]] = {kind: _cells(kind) for kind in KINDS}


@cache
def cells(kind: Kind) -> st.SearchStrategy[Cell]:
    return st.sampled_from(CELLS[kind]) | st.just(ANYTHING)


# Made once: what a strategy can draw is worked out when it is first used, which took longer than the drawing itself.
_KINDS = st.lists(st.sampled_from(KINDS), min_size=1, max_size=4)
_SAID = {kind: st.sampled_from((kind, None)) for kind in KINDS}
_COUNTS, _WITH_DEFAULT = {most: st.integers(1, most) for most in (1, 2)}, st.booleans()
_ANY_OUTPUT, _NUMBERS = st.sampled_from((1, 2, 0.1, "a", "b", None)), st.sampled_from((1, 2, 0.1))


@st.composite
def tables(draw: st.DrawFn, policies: Sequence[HitPolicy] = HIT_POLICIES, rows: int = 6) -> DecisionTable:
    """At most 4 inputs and `rows` rules; the kind of an input is said or not. One output, sometimes two."""
    policy = draw(st.sampled_from(policies))
    kinds = draw(_KINDS)
    inputs = tuple(Input(f"in{at}", draw(_SAID[kind])) for at, kind in enumerate(kinds))
    outputs = _outputs(draw(_COUNTS[1 if policy in ("C+", "C<", "C>") else 2]), draw(_WITH_DEFAULT))
    values = _ANY_OUTPUT if policy in ("U", "C") else _NUMBERS
    row = st.tuples(st.tuples(*map(cells, kinds)), st.tuples(*(values for _ in outputs)))
    drawn = draw(st.lists(row, max_size=rows))
    rules = tuple(Rule(f"row {at}", asked, put_out) for at, (asked, put_out) in enumerate(drawn))
    return DecisionTable("random", policy, inputs, outputs, rules)


def _outputs(count: int, with_default: bool) -> tuple[Output, ...]:  # noqa: FBT001
    default = 9 if with_default else None
    return tuple(Output(f"out{at}", None, (2, 1), default) for at in range(count))


def facts_of(table: DecisionTable) -> st.SearchStrategy[dict[str, object]]:
    """Facts for the table, most of them of the kind that its cells ask for."""
    return st.fixed_dictionaries({}, optional={clause.name: _fact(table, at) for at, clause in enumerate(table.inputs)})


def _fact(table: DecisionTable, at: int) -> st.SearchStrategy[object]:
    kinds: list[Kind] = [kind for kind in KINDS if any(rule.cells[at].kind == kind for rule in table.rules)]
    fitting: list[object] = [value for kind in kinds for value in (*VALUES[kind], *TEXTS.get(kind, ()))]
    odd = st.sampled_from(ODD)
    return st.sampled_from(fitting) | st.sampled_from(fitting) | odd if fitting else odd
