"""A suggested row tried out: in its place in the table, over the past."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from string import ascii_lowercase

from services.routing.rules.assigning import TRIAGE
from services.routing.rules.cells import ANYTHING
from services.routing.rules.compiling import CompiledTable, Facts, compile_table
from services.routing.rules.mining import Suggestion, department_at
from services.routing.rules.reroutes import Kept, Reroute, ended_at
from services.routing.rules.tables import DecisionTable, Input, InvalidTable, Rule
from services.routing.rules.values import Value


@dataclass(frozen=True, slots=True)
class Move:
    """Past cases that the row would send elsewhere than the table does now: how many of them to where people left them."""

    from_department: str
    to_department: str
    cases: int
    right: int


@dataclass(frozen=True, slots=True)
class Trial:
    """How many of the past cases are decided as people left them, without the row and with it."""

    cases: int
    before: int
    after: int
    moves: tuple[Move, ...]


def with_row(
    table: DecisionTable, suggestion: Suggestion, name: str | None = None, notes: Mapping[str, str] | None = None
) -> DecisionTable:
    """A candidate: the table with the row before the one that it corrects, or last. Without `notes` its reason is still to be written.

    Other outputs than the department are those of the row corrected. Raises InvalidTable when that row is no longer there.
    """
    at = _place(table, suggestion)
    cells = dict(suggestion.cells)
    names = [clause.name for clause in table.inputs]
    added = [Input(name, cell.kind) for name, cell in suggestion.cells if name not in names]
    asked = (*names, *(clause.name for clause in added))
    row = Rule(
        name or f"提案-{suggestion.id}",
        tuple(cells.get(name, ANYTHING) for name in asked),
        _outputs(table, at, suggestion),
        {"reason": "", "source": source_of(suggestion)} if notes is None else notes,
    )
    rules = [replace(rule, cells=(*rule.cells, *(ANYTHING for _ in added))) for rule in table.rules]
    return replace(table, inputs=(*table.inputs, *added), rules=(*rules[:at], row, *rules[at:]))


def source_of(suggestion: Suggestion) -> str:
    """Where the row is from, as its note says it."""
    evidence = suggestion.evidence
    return f"職員による担当課の変更 {evidence.support}件（{evidence.first:%Y-%m-%d}〜{evidence.last:%Y-%m-%d}）"


def fresh_name(table: DecisionTable, suggestion: Suggestion) -> str:
    """A name that no row of the table has: that of the row it corrects, or of the last, with a letter or a number after it."""
    taken = {rule.name for rule in table.rules}
    stem = suggestion.before or (table.rules[-1].name if table.rules else "R")
    endings = (*ascii_lowercase, *(f"-{number}" for number in range(2, len(taken) + 3)))
    return next(name for ending in endings if (name := stem + ending) not in taken)


def _place(table: DecisionTable, suggestion: Suggestion) -> int:
    names = [rule.name for rule in table.rules]
    if suggestion.before is None:
        return len(names)
    if suggestion.before not in names:
        raise InvalidTable(f"{table.name}: expected the rule {suggestion.before}, which the suggestion corrects")
    return names.index(suggestion.before)


def _outputs(table: DecisionTable, at: int, suggestion: Suggestion) -> tuple[Value | None, ...]:
    own = table.rules[at].outputs if suggestion.before is not None else tuple(None for _ in table.outputs)
    position = department_at(table)
    return (*own[:position], suggestion.department, *own[position + 1 :])


def try_out(table: DecisionTable, suggestion: Suggestion, past: Sequence[Reroute | Kept]) -> Trial:
    """What the row would have changed. Raises what `with_row` raises."""
    now, then = compile_table(table), compile_table(with_row(table, suggestion))
    before = after = 0
    moved: Counter[tuple[str, str]] = Counter()
    right: Counter[tuple[str, str]] = Counter()
    for case in past:
        move, ended = (decided_department(now, case.facts), decided_department(then, case.facts)), ended_at(case)
        before += move[0] == ended
        after += move[1] == ended
        if move[0] != move[1]:
            moved[move] += 1
            right[move] += move[1] == ended
    moves = tuple(Move(*move, count, right[move]) for move, count in sorted(moved.items()))
    return Trial(len(past), before, after, moves)


def decided_department(compiled: CompiledTable, facts: Facts) -> str:
    """Whom a table of hit policy F makes responsible; triage where no row holds."""
    rules = compiled.decide(facts).rules
    return str(compiled.table.rules[rules[0]].outputs[department_at(compiled.table)]) if rules else TRIAGE
