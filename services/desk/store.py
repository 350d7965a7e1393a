"""All SQL of desk."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import asyncpg

from chassis.database import Tx, columns, columns_of
from services.desk.clock import read_names, read_stages
from services.desk.rules import Arrival, Item, RuleSetStep, State, Step, Turn

Place = tuple[date, UUID]
"""(due_on, case_id): where a page of a worklist begins."""

START: Place = (date.min, UUID(int=0))

_ITEM = (
    "case_id, application_id, receipt, department, procedure, due_on, state, staff, last_command, command_key, "
    "stands_still, queue, told_until, queue_names, overlays, stages"
)
_TURNED = ", ".join(f"i.{column}" for column in _ITEM.split(", "))

# Cases into worklists: their applications first, whose rows are the lock against a withdrawal at the same moment.
_ARRIVE = """
    WITH arrival AS MATERIALIZED (
        SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::date[], $7::timestamptz[],
                             $8::bytea[], $9::bytea[], $10::bytea[], $11::text[], $12::text[], $13::bytea[])
            x(case_id, application_id, receipt, department, procedure, due_on, opened_at, why, content, stages, queue, overlays,
              queue_names)
    ), known AS (
        INSERT INTO application (application_id, content)
        SELECT DISTINCT ON (application_id) application_id, content FROM arrival ORDER BY application_id
        ON CONFLICT (application_id) DO UPDATE SET content = EXCLUDED.content
        RETURNING application_id, withdrawn_at
    ), arrived AS (
        INSERT INTO case_item
            (case_id, application_id, receipt, department, procedure, due_on, opened_at, why, stages, queue, overlays,
             queue_names, state)
        SELECT case_id, application_id, receipt, department, procedure, due_on, opened_at, why, stages, queue,
               string_to_array(overlays, ' '), queue_names, CASE WHEN withdrawn_at IS NULL THEN 'open' ELSE 'closed' END
        FROM arrival JOIN known USING (application_id) ORDER BY case_id
"""
_OPEN = f"""{_ARRIVE}
        ON CONFLICT (case_id) DO NOTHING RETURNING {_ITEM}
    )
    SELECT * FROM arrived WHERE state = 'closed'
"""
_MOVE = f"""{_ARRIVE}
        ON CONFLICT (case_id) DO UPDATE SET
            department = EXCLUDED.department, due_on = EXCLUDED.due_on, why = EXCLUDED.why,
            stages = COALESCE(EXCLUDED.stages, case_item.stages), queue = EXCLUDED.queue,
            queue_names = EXCLUDED.queue_names,
            state = EXCLUDED.state, staff = NULL, last_command = NULL
        WHERE case_item.state NOT IN ('decided', 'closed') RETURNING {_ITEM}
    )
    SELECT * FROM arrived ORDER BY case_id
"""
_PAGE = f"""
    SELECT {_ITEM} FROM case_item
    WHERE department = $1 AND (due_on, case_id) > ($2, $3) AND ($5::text IS NULL OR state = $5) AND state %s 'closed' %s
    ORDER BY due_on, case_id LIMIT $4
"""
WORKLIST, CLOSED = (_PAGE % (way, "") for way in ("<>", "="))
QUEUE, CLOSED_QUEUE = (_PAGE % (way, "AND queue = $6") for way in ("<>", "="))


@dataclass(frozen=True, slots=True)
class Papers:
    """What there is to read of a case. `content` is the application and `why` the decision, as JSON."""

    opened_at: datetime
    why: bytes
    content: bytes
    withdrawn_at: datetime | None


async def open_items(tx: Tx, arrivals: Sequence[Arrival]) -> list[Item]:
    """Insert the cases that are new; returns those that are closed from the start, their application being withdrawn."""
    return _items(await tx.fetch(_OPEN, *_columns(arrivals)))


async def move_items(tx: Tx, arrivals: Sequence[Arrival]) -> list[Item]:
    """Insert, or move to the department and open again unless decided or closed; every case once. Returns those moved."""
    return _items(await tx.fetch(_MOVE, *_columns(arrivals)))


async def withdraw(tx: Tx, application_ids: Collection[UUID]) -> None:
    """Note that these are withdrawn, known or not; from now on whoever brings a case of theirs waits for us."""
    await tx.execute(
        """
        INSERT INTO application (application_id, withdrawn_at)
        SELECT DISTINCT x, $2::timestamptz FROM unnest($1::uuid[]) x ORDER BY x
        ON CONFLICT (application_id) DO UPDATE SET withdrawn_at = EXCLUDED.withdrawn_at
        """,
        list(application_ids),
        tx.now,
    )


async def lock_items(tx: Tx, application_ids: Collection[UUID]) -> list[Item]:
    """The items of applications that are not closed, locked in the order of their ids."""
    return _items(
        await tx.fetch(
            f"""
            SELECT {_ITEM} FROM case_item WHERE application_id = ANY($1::uuid[]) AND state <> 'closed'
            ORDER BY case_id FOR UPDATE
            """,
            list(application_ids),
        )
    )


async def lock_item(tx: Tx, case_id: UUID) -> Item | None:
    """One item, locked."""
    rows = await tx.fetch(f"SELECT {_ITEM} FROM case_item WHERE case_id = $1 FOR UPDATE", case_id)
    return _items(rows)[0] if rows else None


async def lock_undecided(tx: Tx, department: str, limit: int) -> list[Item]:
    """A department's items that nobody has decided, the most urgent first, locked in the order of their ids."""
    return _items(
        await tx.fetch(
            f"""
            SELECT {_ITEM} FROM case_item WHERE case_id IN (
                SELECT case_id FROM case_item
                WHERE department = $1 AND state IN ('open', 'claimed', 'waiting') ORDER BY due_on, case_id LIMIT $2)
            AND state IN ('open', 'claimed', 'waiting') ORDER BY case_id FOR UPDATE
            """,
            department,
            limit,
        )
    )


async def applications_of(tx: Tx, application_ids: Collection[UUID]) -> dict[UUID, bytes]:
    """The applications of these ids, as JSON."""
    rows = await tx.fetch(
        "SELECT application_id, content FROM application WHERE application_id = ANY($1::uuid[])", list(application_ids)
    )
    return {row[0]: row[1] for row in rows}


async def find_item(tx: Tx, case_id: UUID) -> Item | None:
    """One item, to read."""
    rows = await tx.fetch(f"SELECT {_ITEM} FROM case_item WHERE case_id = $1", case_id)
    return _items(rows)[0] if rows else None


async def save_items(tx: Tx, items: Sequence[Item]) -> None:
    """Write the state of items that are locked."""
    if items:
        await tx.execute(
            """
            UPDATE case_item i SET state = x.state, staff = x.staff, last_command = x.last, told_until = x.told, command_key = x.key
            FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bytea[], $5::date[], $6::text[])
                x(id, state, staff, last, told, key)
            WHERE case_id = x.id
            """,
            *columns(
                [
                    (item.case_id, item.state, item.staff, item.last_command, item.told_until, item.command_key)
                    for item in items
                ]
            ),
        )


async def turn_clocks(tx: Tx, turns: Sequence[Turn]) -> list[Item]:
    """Write how the clocks of cases stand now, every case once. Returns the cases."""
    rows = await tx.fetch(
        f"""
        WITH turn AS (SELECT * FROM unnest($1::uuid[], $2::date[], $3::bytea[]) x(case_id, due_on, stages)),
        locked AS MATERIALIZED (
            SELECT case_id FROM case_item WHERE case_id = ANY($1::uuid[]) ORDER BY case_id FOR UPDATE
        )
        UPDATE case_item i SET due_on = COALESCE(turn.due_on, i.due_on), stands_still = turn.due_on IS NULL,
            stages = turn.stages
        FROM turn JOIN locked USING (case_id) WHERE i.case_id = turn.case_id RETURNING {_TURNED}
        """,
        *columns([(turn.case_id, turn.due_on, turn.stages) for turn in turns]),
    )
    return _items(rows)


async def add_steps(tx: Tx, steps: Sequence[Step]) -> None:
    """Append to the history, in order."""
    if steps:
        await tx.execute(
            """
            INSERT INTO case_step (case_id, at, what, department, staff, note)
            SELECT * FROM unnest($1::uuid[], $2::timestamptz[], $3::text[], $4::text[], $5::text[], $6::bytea[])
            """,
            *columns_of(steps),
        )


async def worklist(
    tx: Tx, department: str, state: State | None, queue: str | None, after: Place, limit: int
) -> list[Item]:
    """A department's items by due date, then id, of one queue or of all; without a state, those that are not closed."""
    pages, named = ((WORKLIST, CLOSED), ()) if queue is None else ((QUEUE, CLOSED_QUEUE), (queue,))
    return _items(await tx.fetch(pages[state == "closed"], department, *after, limit, state, *named))


async def papers(tx: Tx, case_id: UUID) -> Papers:
    """What there is to read of a case. Raises LookupError when there is no such case."""
    row = await tx.fetchrow(
        """
        SELECT opened_at, why, content, withdrawn_at FROM case_item JOIN application USING (application_id)
        WHERE case_id = $1
        """,
        case_id,
    )
    return Papers(**dict(row))


async def steps_of(tx: Tx, case_id: UUID) -> list[Step]:
    """What was done to a case, in order."""
    rows = await tx.fetch(
        "SELECT case_id, at, what, department, staff, note FROM case_step WHERE case_id = $1 ORDER BY number", case_id
    )
    return [Step(**dict(row)) for row in rows]


async def add_rule_set_steps(tx: Tx, steps: Sequence[RuleSetStep]) -> None:
    """Append to the history of rule sets, in order."""
    await tx.execute(
        """
        INSERT INTO rule_set_step (rule_set, at, what, staff, said)
        SELECT * FROM unnest($1::text[], $2::timestamptz[], $3::text[], $4::text[], $5::bytea[])
        """,
        *columns_of(steps),
    )


async def rule_set_steps(tx: Tx, most: int) -> list[RuleSetStep]:
    """The histories of the rule sets that something happened to last, at most so many sets, the newest step first."""
    rows = await tx.fetch(
        """
        SELECT rule_set, at, what, staff, said FROM rule_set_step
        JOIN (SELECT rule_set, max(number) AS last FROM rule_set_step GROUP BY rule_set ORDER BY last DESC LIMIT $1) newest
            USING (rule_set)
        ORDER BY last DESC, number DESC
        """,
        most,
    )
    return [RuleSetStep(**dict(row)) for row in rows]


def _items(rows: Sequence[asyncpg.Record]) -> list[Item]:
    return [
        Item(*row[:-3], queue_names=read_names(row[-3]), overlays=tuple(row[-2] or ()), stages=read_stages(row[-1]))
        for row in rows
    ]


def _columns(arrivals: Sequence[Arrival]) -> list[list[object]]:
    return columns(
        [
            (
                arrival.case_id,
                arrival.application_id,
                arrival.receipt,
                arrival.department,
                arrival.procedure,
                arrival.due_on,
                arrival.at,
                arrival.why,
                arrival.content,
                arrival.stages,
                arrival.queue,
                " ".join(arrival.overlays) or None,
                arrival.queue_names,
            )
            for arrival in arrivals
        ]
    )
