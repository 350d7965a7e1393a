"""What desk does with what it reads."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import singledispatch
from typing import Any
from uuid import UUID

from chassis.consuming import Batch, Handlers
from chassis.database import Tx
from contracts import topics
from contracts.desk import CaseClosed
from contracts.envelope import CloudEvent, Event, Model
from contracts.intake import CorrectionAccepted, WithdrawalAccepted
from contracts.overlays import AnyOverlayEvent
from contracts.routing import CaseOpened, CaseRerouted, CaseSentToTriage, DeadlineMoved, DepartmentsSuggested, Stages
from contracts.rule_sets import AnyRuleSetEvent, RuleSetEvent
from sealing.opener import require_sealed
from sealing.places import place_of
from services.desk import corrections, index_keys, overlays, rules, store, suggestions
from services.desk.corrections import Correction
from services.desk.rules import Arrival, Arriving, Item, RuleSetStep, Turn
from services.desk.seals import Seals

handlers = Handlers()


@handlers.consumes(topics.CASES)
async def open_cases(opened: Batch[CaseOpened], tx: Tx, seals: Seals) -> list[Event]:
    """New work for the worklists; a case whose application was withdrawn before it came is closed at once."""
    require_sealed(opened)
    await index_keys.add_terms(tx, _terms(opened, seals))
    over = await store.open_items(tx, [arrival(event.data) for event in opened])
    return await _announce_withdrawn(tx, over)


@handlers.consumes(topics.CASES)
async def move_cases(moved: Batch[CaseRerouted | CaseSentToTriage], tx: Tx, seals: Seals) -> list[Event]:
    """Work that goes to another department, or to triage, as if it were new; what is decided or closed stays."""
    require_sealed(moved)
    await index_keys.add_terms(tx, _terms(moved, seals))
    arrivals = [arrival(event.data) for event in moved]
    items = await store.move_items(tx, rules.last_of_each(arrivals))
    await store.add_steps(tx, rules.arrival_steps(arrivals, items))
    return await _announce_withdrawn(tx, rules.closed(items))


@handlers.consumes(topics.CASES)
async def turn_clocks(moved: Batch[DeadlineMoved], tx: Tx) -> list[Event]:
    """How the statutory clocks stand now: they come in the order in which routing counted."""
    turns = [_turn(event.data) for event in moved]
    items = await store.turn_clocks(tx, rules.last_turns(turns))
    await store.add_steps(tx, rules.turn_steps(turns, items))
    return []


@handlers.consumes(topics.CASES)
async def note_suggestions(seen: Batch[DepartmentsSuggested], tx: Tx) -> list[Event]:
    """Which departments cases in triage may be for: shown to whoever decides it, and to nobody else."""
    await suggestions.keep(tx, [suggestions.suggested(event.data) for event in seen])
    return []


@handlers.consumes(topics.INTAKE)
async def take_corrections(accepted: Batch[CorrectionAccepted], tx: Tx, seals: Seals) -> list[Event]:
    """What citizens supplied is kept with the application; whoever waits for it goes on."""
    require_sealed(accepted)
    supplied = [_correction(event.data, seals) for event in accepted]
    await corrections.keep(tx, supplied)
    items = await store.lock_items(tx, {correction.application_id for correction in supplied})
    asked = await corrections.asked_at(tx, [item.case_id for item in items])
    last = {one.application_id: one.received_at for one in sorted(supplied, key=lambda one: one.received_at)}
    resumed = rules.resumed(items, asked, last)
    await store.save_items(tx, resumed)
    await store.add_steps(tx, rules.steps("correction-accepted", resumed, tx.now))
    return []


@handlers.consumes(topics.INTAKE)
async def withdraw(accepted: Batch[WithdrawalAccepted], tx: Tx) -> list[Event]:
    """Every case of a withdrawn application is closed: those that are here now, and those still to come."""
    require_sealed(accepted)
    application_ids = {event.data.application_id for event in accepted}
    await store.withdraw(tx, application_ids)
    over = rules.withdrawn(await store.lock_items(tx, application_ids))
    await store.save_items(tx, over)
    return await _announce_withdrawn(tx, over)


@handlers.consumes(topics.CASES)
async def note_rule_sets(seen: Batch[AnyRuleSetEvent], tx: Tx) -> list[Event]:
    """What happened to the rules, for whoever asks why cases come to them."""
    await store.add_rule_set_steps(tx, [_rule_set_step(event.data) for event in seen])
    return []


@handlers.consumes(topics.CASES)
async def note_overlays(seen: Batch[AnyOverlayEvent], tx: Tx) -> list[Event]:
    """What happened to the rules for disasters, for whoever sees a case that came by them."""
    await overlays.add_overlay_steps(tx, [overlays.step_of(event.data) for event in seen])
    return []


def _rule_set_step(event: RuleSetEvent) -> RuleSetStep:
    what = event.TYPE.removeprefix("jp.madoguchi.rule-set.").removesuffix(".v1")
    return RuleSetStep(event.rule_set, event.at, what, getattr(event, "staff", None), _json(event))


async def _announce_withdrawn(tx: Tx, items: Sequence[Item]) -> list[Event]:
    await store.add_steps(tx, rules.steps("withdrawn", items, tx.now))
    return [CaseClosed.model_validate(about(item, tx) | {"cause": "withdrawn"}) for item in items]


def about(item: Item, tx: Tx) -> dict[str, Any]:
    """What every event of a case says."""
    return {
        "application_id": item.application_id,
        "case_id": item.case_id,
        "receipt": item.receipt,
        "department": item.department,
        "at": tx.now,
    }


@singledispatch
def arrival(event: object) -> Arrival:
    """A case of `cases.v1` as it comes to a department."""
    raise TypeError(type(event).__name__)


@arrival.register
def _(event: CaseOpened) -> Arrival:
    found = _arrival("opened", event, event.department, event.opened_at, _json(event.decision), event.stages)
    names = event.queue_names and json.dumps(event.queue_names, ensure_ascii=False).encode()
    return replace(found, queue=event.queue, overlays=event.decision.overlays or (), queue_names=names or None)


@arrival.register
def _(event: CaseRerouted) -> Arrival:
    why = _json(event, "from_department", "reason")
    return _arrival("rerouted", event, event.department, event.rerouted_at, why, event.stages)


@arrival.register
def _(event: CaseSentToTriage) -> Arrival:
    found = _arrival("sent-to-triage", event, rules.TRIAGE, event.sent_at, _json(event, "cause", "decision"))
    return replace(found, overlays=event.decision.overlays or ())


def _arrival(
    what: Arriving,
    event: CaseOpened | CaseRerouted | CaseSentToTriage,
    department: str,
    at: datetime,
    why: bytes,
    stages: Stages | None = None,
) -> Arrival:
    return Arrival(
        what,
        event.case_id,
        event.application_id,
        event.receipt,
        department,
        event.application.procedure,
        event.due_on,
        at,
        why,
        _json(event.application),
        _stages(stages),
    )


def _turn(event: DeadlineMoved) -> Turn:
    return Turn(event.case_id, event.at, event.due_on, _stages(event.stages), _json(event, "cause", "due_on", "stages"))


def _stages(stages: Stages | None) -> bytes | None:
    return None if stages is None else json.dumps([json.loads(_json(stage)) for stage in stages]).encode()


def _terms(arrived: Sequence[CloudEvent[Any]], seals: Seals) -> set[tuple[str, bytes, UUID]]:
    """What the applications of these cases are found by."""
    return {term for event in arrived for term in seals.terms(event.data.application_id, event.data.application)}


_SUPPLIED = ("facts", "message", "individual_number", "attachments", "sealed", "sealed_numbers")


def _correction(event: CorrectionAccepted, seals: Seals) -> Correction:
    seals.check(place_of(event), event.sealed)
    return Correction(
        event.application_id,
        event.origin.source,
        event.origin.id,
        event.received_at,
        _json(event, *_SUPPLIED),
    )


def _json(value: Model, *only: str) -> bytes:
    """A value as it goes on the wire, or some of its fields."""
    return value.model_dump_json(include=set(only) or None, exclude_none=True).encode()
