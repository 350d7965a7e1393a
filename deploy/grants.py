"""What each service's role may do in its database: one table, of which GRANTs are made and tests are derived.

A role owns nothing. What is not written here it may not do: no DDL, no TRUNCATE, no row of an append-only table changed or
deleted. `UPDATE (a, b)` gives these columns alone; on one column it is also what `SELECT … FOR UPDATE` needs. Identity
columns need no right on their sequence, foreign keys none on the table they point to.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

SCHEMAS = ("public", "chassis")

SCOPES: Mapping[str, Mapping[str, str]] = {"desk": {"madoguchi.departments": "*"}}
"""What a service sets on its own transactions to see every row, where policies guard rows (the migrations say which): without
it they show nothing. An operator who counts says it too."""


@dataclass(frozen=True, slots=True)
class Rights:
    """What a role may do, by table; sequences it may draw numbers from; functions, with their argument types, it may call."""

    tables: Mapping[str, str]
    sequences: tuple[str, ...] = ()
    functions: tuple[str, ...] = ()


CHASSIS = Rights(
    tables={
        "chassis.schema_version": "SELECT",
        "chassis.journal": "SELECT, INSERT",
        # Written and read through the journal; its days, made by make_journal_partition, have no rights of their own either.
        "chassis.journal_default": "",
        "chassis.tick": "SELECT, INSERT",
        "chassis.lane": "SELECT, INSERT, UPDATE (seen)",
        "chassis.parked_key": "SELECT, INSERT, UPDATE (since), DELETE",  # locked, never changed
        "chassis.parked_event": "SELECT, INSERT, UPDATE (attempts, cause), DELETE",
        "chassis.redrive": "INSERT",
    },
    functions=(
        "chassis.enter(text[], text[], int[], bigint[], bigint[], text[])",
        "chassis.make_journal_partition(date)",
        "chassis.drop_journal_partitions(date)",
    ),
)
"""Of every service."""

GRANTS: Mapping[str, Rights] = {
    "intake": Rights(
        tables={
            # Digests of the release before are keyed by the service: whoever owns the tables has no key.
            "application": "SELECT, INSERT, UPDATE (state, digest, digest_key)",
            "submission": "SELECT, INSERT, UPDATE (outcome, fault, faults, digest, digest_key)",
            "contradiction": "SELECT, INSERT, UPDATE (digest, digest_key)",
            "digest_key": "SELECT, INSERT",
            "progress": "SELECT, INSERT",
            # Written by the administrator alone: intake, taken over, can let nobody in.
            "channel_system": "SELECT",
            "channel_source": "SELECT",
            "channel_key": "SELECT",
        },
        sequences=("receipt_sequence",),
    ),
    "routing": Rights(
        tables={
            "rule_set": "SELECT, INSERT",
            # The whole table, as LOCK TABLE asks for it.
            "rule_set_life": "SELECT, INSERT, UPDATE",
            "overlay_switch": "SELECT, INSERT, UPDATE (confirmed_by, since, withdrawn_by, withdrawn_at, withdrawn_note)",
            "routed_case": "SELECT, INSERT, UPDATE (department)",
            "clock_event": "SELECT, INSERT, UPDATE (told)",
            "case_move": "SELECT, INSERT",
            "triage_question": "SELECT, INSERT, UPDATE (asked_at, facts), DELETE",  # kept until it is answered
        },
    ),
    "desk": Rights(
        tables={
            "application": "SELECT, INSERT, UPDATE (content, withdrawn_at)",
            "case_item": "SELECT, INSERT, UPDATE (department, due_on, why, stages, queue, queue_names, state, staff, last_command, command_key, stands_still, told_until)",
            "case_step": "SELECT, INSERT",
            "case_view": "SELECT, INSERT",
            "search_made": "SELECT, INSERT",
            "log_reading": "SELECT, INSERT",
            "correction": "SELECT, INSERT",
            "rule_set_step": "SELECT, INSERT",
            "overlay_step": "SELECT, INSERT",
            "suggestion": "SELECT, INSERT, UPDATE (at, said)",
            # A key that was destroyed takes with it what it wrapped, and what that found.
            "index_key": "SELECT, INSERT, DELETE",
            "search_term": "SELECT, INSERT, DELETE",
            "staff_session": "SELECT, INSERT, UPDATE (seen_at), DELETE",
            "logout_seen": "SELECT, INSERT, DELETE",
        },
    ),
    "notify": Rights(
        tables={
            "contact": "SELECT, INSERT, UPDATE (receipt, language, sealed)",
            "notice": "SELECT, INSERT, UPDATE (state, attempts, next_attempt_at, smtp_code)",
        },
    ),
    "archive": Rights(
        tables={
            "event": "SELECT, INSERT",
            "closing": "SELECT, INSERT, UPDATE (since), DELETE",  # locked, never changed
            "record": "SELECT, INSERT",
            "chain": "SELECT, UPDATE (number, digest)",
            "record_view": "SELECT, INSERT",
            "log_reading": "SELECT, INSERT",
        },
    ),
}

SERVICES = tuple(GRANTS)


def both(own: Rights) -> Rights:
    """A service's own rights and those of the chassis."""
    tables = {**CHASSIS.tables, **own.tables}
    return Rights(tables, CHASSIS.sequences + own.sequences, CHASSIS.functions + own.functions)


def statements(role: str, rights: Rights) -> Iterator[str]:
    """SQL that leaves `role`, a quoted identifier, with exactly `rights` on what there is, and everybody else with none.

    To be run by the owner in one transaction: nobody sees the moment between REVOKE and GRANT.
    """
    schemas = ", ".join(SCHEMAS)
    yield "ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC"
    for kind in ("TABLES", "SEQUENCES", "FUNCTIONS"):
        yield f"REVOKE ALL ON ALL {kind} IN SCHEMA {schemas} FROM {role}, PUBLIC"
    yield f"REVOKE ALL ON SCHEMA {schemas} FROM {role}, PUBLIC"
    yield f"GRANT USAGE ON SCHEMA {schemas} TO {role}"
    yield from (f"GRANT {verbs} ON {table} TO {role}" for table, verbs in rights.tables.items() if verbs)
    yield from (f"GRANT USAGE ON SEQUENCE {sequence} TO {role}" for sequence in rights.sequences)
    yield from (f"GRANT EXECUTE ON FUNCTION {function} TO {role}" for function in rights.functions)
