"""A rule set: everything that decides, ready to decide, under the hash of its content."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from services.routing.rules.calendars import Calendar
from services.routing.rules.clock import MOST, Clock, Period
from services.routing.rules.compiling import CompiledTable, assemble, compile_table
from services.routing.rules.explaining import Explainer
from services.routing.rules.indexing import Index
from services.routing.rules.memos import Memo
from services.routing.rules.organisation import Organisation
from services.routing.rules.phrasing import Labels
from services.routing.rules.sfeel import write_cell
from services.routing.rules.stages import Stage
from services.routing.rules.tables import DecisionTable, InvalidTable, Rule
from services.routing.rules.values import Value

GIVEN = ("procedure",)
"""What was applied for is no circumstance: with another procedure it would be another application."""
QUEUE = re.compile(r"[^\x00-\x1f\x7f-\x9f]{1,100}")
ASKS_KEPT = 4_096
"""Of how many cells a table remembers what they ask: few are told of again and again."""


@dataclass(frozen=True, slots=True)
class Route:
    """What a row of a routing table says: who is responsible, within how many days if it says so, why, and in which queue there."""

    department: str
    clock: Clock | None
    reason: str
    queue: str | None = None


@dataclass(frozen=True, slots=True)
class RoutingTable:
    """A decision table that routes: it has an output `department`, and may have `days` and `queue`.

    It can be pickled, without what can quickly be made again: the functions, and what they remember.
    """

    table: DecisionTable
    compiled: CompiledTable
    explainer: Explainer
    routes: Mapping[str, Route]
    """By the name of the row."""
    asks: Mapping[tuple[str, str], str]
    """What a cell asks, as S-FEEL, by row and input."""

    def __reduce__(self) -> tuple[Callable[..., "RoutingTable"], tuple[object, ...]]:
        return _put_together, (self.table, self.compiled.indexes, self.routes)


@dataclass(frozen=True, slots=True)
class Overlay:
    """What two people switch on in a disaster: its tables are asked first, its periods take the place of the procedures' own."""

    tables: tuple[RoutingTable, ...]
    clocks: Mapping[str, Clock | None]
    stages: Mapping[str, tuple[Stage, ...]] = field(default_factory=lambda: dict[str, tuple[Stage, ...]]())


@dataclass(frozen=True, slots=True)
class RuleSet:
    """`tables` in the order in which they are asked: the first of which a rule holds decides.

    `clocks` are those of the city's procedures, None where the pack gives no period; `calendars` are by name, the city's own first.
    """

    hash: str
    tables: tuple[RoutingTable, ...]
    organisation: Organisation
    clocks: Mapping[str, Clock | None]
    calendars: Mapping[str, Calendar]
    overlays: Mapping[str, Overlay]
    labels: Labels
    """What people call what the tables call by a code."""
    needs: Mapping[str, frozenset[str]] = field(default_factory=lambda: dict[str, frozenset[str]]())
    """By procedure, the facts that an application must carry; one that is not named must carry all that a table asks for."""
    stages: Mapping[str, tuple[Stage, ...]] = field(default_factory=lambda: dict[str, tuple[Stage, ...]]())
    """By procedure, the parts of it that have last days of their own."""
    asks: tuple[str, ...] = field(init=False)
    """All facts that can make a difference: those of the tables, and what periods and calendars go by."""

    def __post_init__(self) -> None:
        overlaid = (table for overlay in self.overlays.values() for table in overlay.tables)
        named = (clause.name for one in (*self.tables, *overlaid) for clause in one.table.inputs)
        object.__setattr__(self, "asks", tuple(dict.fromkeys(("procedure", "district", *named))))


def with_codes(table: DecisionTable, codes: Mapping[str, str]) -> DecisionTable:
    """The table with the codes of departments where it has their names: who edits a spreadsheet may write either."""
    at = next((at for at, clause in enumerate(table.outputs) if clause.name == "department"), None)
    if at is None or not codes:
        return table
    clause, rules = table.outputs[at], (replace(rule, outputs=_coded(rule.outputs, at, codes)) for rule in table.rules)
    coded = replace(
        clause,
        priorities=tuple(_code(value, codes) for value in clause.priorities),
        default=None if clause.default is None else _code(clause.default, codes),
    )
    return replace(table, outputs=(*table.outputs[:at], coded, *table.outputs[at + 1 :]), rules=tuple(rules))


def _coded(outputs: tuple[Value | None, ...], at: int, codes: Mapping[str, str]) -> tuple[Value | None, ...]:
    value = outputs[at]
    return outputs if value is None else (*outputs[:at], _code(value, codes), *outputs[at + 1 :])


def _code(value: Value, codes: Mapping[str, str]) -> Value:
    return codes.get(value, value) if isinstance(value, str) else value


def make_routing_table(table: DecisionTable) -> RoutingTable:
    """The table, ready to route. Raises InvalidTable."""
    return _around(compile_table(table), _routes(table))


def _put_together(table: DecisionTable, indexes: Sequence[Index], routes: Mapping[str, Route]) -> RoutingTable:
    return _around(assemble(table, indexes), routes)


def _around(compiled: CompiledTable, routes: Mapping[str, Route]) -> RoutingTable:
    table = compiled.table
    cells = {rule.name: rule.cells for rule in table.rules}
    at = {clause.name: at for at, clause in enumerate(table.inputs)}
    asks = Memo[tuple[str, str], str](lambda key: write_cell(cells[key[0]][at[key[1]]]), room=ASKS_KEPT)
    return RoutingTable(table, compiled, Explainer(compiled, GIVEN), routes, asks)


def _routes(table: DecisionTable) -> dict[str, Route]:
    """What each row says. Raises InvalidTable for a table without departments, days that are no number, a queue without a name."""
    outputs = [clause.name for clause in table.outputs]
    if "department" not in outputs:
        raise InvalidTable(f"table {table.name}: expected an output clause `department`, found {', '.join(outputs)}")
    return {rule.name: _route(table, rule, dict(zip(outputs, rule.outputs, strict=True))) for rule in table.rules}


def _route(table: DecisionTable, rule: Rule, said: Mapping[str, Value | None]) -> Route:
    department, days, queue = said["department"], said.get("days"), said.get("queue")
    if not isinstance(department, str) or not department:
        raise InvalidTable(
            f"table {table.name}, rule {rule.name}, output department: expected a code, found {department or 'nothing'}"
        )
    try:
        clock = None if days is None else Clock(Period(int(str(days)), "days"))
    except ValueError:
        words = f"table {table.name}, rule {rule.name}, output days: expected a whole number of days from 1 to {MOST}, found {days!r}"
        raise InvalidTable(words) from None
    if queue is not None and not (isinstance(queue, str) and QUEUE.fullmatch(queue)):
        raise InvalidTable(
            f"table {table.name}, rule {rule.name}, output queue: expected a name of 1 to 100 characters, found {queue!r}"
        )
    return Route(department, clock, rule.notes.get("reason", ""), queue)
