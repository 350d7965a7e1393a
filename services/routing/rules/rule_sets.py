"""A rule set: everything that decides, ready to decide, under the hash of its content."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from services.routing.rules.calendars import Calendar
from services.routing.rules.clock import Clock, Period
from services.routing.rules.compiling import CompiledTable, compile_table
from services.routing.rules.explaining import Explainer
from services.routing.rules.organisation import Organisation
from services.routing.rules.phrasing import Labels
from services.routing.rules.sfeel import write_cell
from services.routing.rules.tables import DecisionTable, InvalidTable, Rule
from services.routing.rules.values import Value


@dataclass(frozen=True, slots=True)
class Route:
    """What a row of a routing table says: who is responsible, within how many days if it says so, and why."""

    department: str
    clock: Clock | None
    reason: str


@dataclass(frozen=True, slots=True)
class RoutingTable:
    """A decision table that routes: it has an output `department`, and may have `days`."""

    table: DecisionTable
    compiled: CompiledTable
    explainer: Explainer
    routes: Mapping[str, Route]
    """By the name of the row."""
    asks: Mapping[tuple[str, str], str]
    """What a cell asks, as S-FEEL, by row and input."""


@dataclass(frozen=True, slots=True)
class Overlay:
    """What two people switch on in a disaster: its tables are asked first, its periods take the place of the procedures' own."""

    tables: tuple[RoutingTable, ...]
    clocks: Mapping[str, Clock | None]


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
    asks: tuple[str, ...] = field(init=False)
    """All facts that can make a difference: those of the tables, and what periods and calendars go by."""

    def __post_init__(self) -> None:
        overlaid = (table for overlay in self.overlays.values() for table in overlay.tables)
        named = (clause.name for one in (*self.tables, *overlaid) for clause in one.table.inputs)
        object.__setattr__(self, "asks", tuple(dict.fromkeys(("procedure", "district", *named))))


def make_routing_table(table: DecisionTable) -> RoutingTable:
    """The table, ready to route. Raises InvalidTable."""
    compiled = compile_table(table)
    asks = {
        (rule.name, clause.name): write_cell(cell)
        for rule in table.rules
        for clause, cell in zip(table.inputs, rule.cells, strict=True)
    }
    return RoutingTable(table, compiled, Explainer(compiled), _routes(table), asks)


def _routes(table: DecisionTable) -> dict[str, Route]:
    """What each row says. Raises InvalidTable for a table without departments, or days that are no number of days."""
    outputs = [clause.name for clause in table.outputs]
    if "department" not in outputs:
        raise InvalidTable(f"{table.name}: expected an output clause `department`, found {', '.join(outputs)}")
    return {rule.name: _route(table, rule, dict(zip(outputs, rule.outputs, strict=True))) for rule in table.rules}


def _route(table: DecisionTable, rule: Rule, said: Mapping[str, Value | None]) -> Route:
    department, days = said["department"], said.get("days")
    if not isinstance(department, str) or not department:
        raise InvalidTable(f"{table.name}, rule {rule.name}, output department: expected a code, found {department!r}")
    try:
        clock = None if days is None else Clock(Period(int(str(days)), "days"))
    except ValueError:
        words = f"{table.name}, rule {rule.name}, output days: expected a number of days from 1 on, found {days!r}"
        raise InvalidTable(words) from None
    return Route(department, clock, rule.notes.get("reason", ""))
