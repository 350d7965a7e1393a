"""routing over HTTP: the life of rule sets, from proposal to approval; overlays and explanations have modules of their own."""

import json
from datetime import date
from typing import Annotated, Any

from fastapi import FastAPI, Path, Query
from fastapi.responses import JSONResponse
from pydantic import AwareDatetime, Base64Bytes, ConfigDict, Field

from access.guard import Asking, guard
from access.settings import TokenSettings
from chassis.commands import Commands
from chassis.database import Tx
from chassis.errors import Refused
from contracts.desk import Staff
from contracts.envelope import Event, Model, Name
from contracts.rule_sets import (
    Count,
    Note,
    RuleSetApproved,
    RuleSetBackTested,
    RuleSetChecked,
    RuleSetHash,
    RuleSetProposed,
    RuleSetWithdrawn,
)
from services.routing import compiler, explanation_api, overlay_api, packs, store, suggestion_api
from services.routing.packs import Examined
from services.routing.permissions import PERMISSIONS
from services.routing.rules import lifecycle
from services.routing.rules.clock import local_day
from services.routing.rules.completeness import PackFinding
from services.routing.rules.lifecycle import Life, Refusal
from services.routing.rules.sfeel import write_literal
from services.routing.shelf import SHELF
from services.routing.suggesting import REMARK, Texts
from services.routing.verdicts import taken

RuleSetPath = Annotated[RuleSetHash, Path()]


class Order(Model):
    """What somebody wants done with a rule set."""

    model_config = ConfigDict(extra="forbid")

    staff: Staff = ""
    """The caller's own name, or nothing: it is written in when the order is signed."""


class Proposal(Order):
    """The files of a city pack that shall decide, by their paths in it."""

    note: Note
    files: Annotated[dict[Name, Base64Bytes], Field(min_length=1, max_length=200)]
    in_force_from: AwareDatetime | None = None
    """From when the set is meant to decide: the check looks ahead from then on. Absent, from now."""


class BackTest(Order):
    """What `madoguchi rules backtest` found."""

    history: Name
    rows: Annotated[int, Field(ge=1)]
    covered: Count
    agreed: Count
    moved: Count


class Approval(Order):
    """From when the set decides; absent, from now."""

    in_force_from: AwareDatetime | None = None


class Withdrawal(Order):
    """Why the set shall not decide."""

    note: Note


def add_routes(app: FastAPI, commands: Commands, settings: TokenSettings, texts: Texts = REMARK) -> None:
    """Rule sets to read, and one route a step of their life. Each answers with the set's state; 409 with what to do instead."""
    guard(app, settings, PERMISSIONS)
    _add_reading(app, commands)
    _add_steps(app, commands)
    overlay_api.add_routes(app, commands)
    explanation_api.add_routes(app, commands)
    suggestion_api.add_routes(app, commands, texts)


def _add_reading(app: FastAPI, commands: Commands) -> None:
    @app.get("/v1/rule-sets")
    async def read_rule_sets(limit: Annotated[int, Query(ge=1, le=100)] = 20) -> JSONResponse:
        """The rule sets that were proposed last, with what their check found."""
        return JSONResponse({"rule_sets": await commands.query(lambda tx: _listed(tx, limit))})

    @app.get("/v1/rule-sets/{name}/files")
    async def read_files(name: RuleSetPath) -> JSONResponse:
        """The files of a rule set, base64, whether it ever was in force or not: a decision names it."""
        return JSONResponse(json.loads(await commands.query(lambda tx: _files(tx, name))))


def _add_steps(app: FastAPI, commands: Commands) -> None:
    @app.post("/v1/rule-sets", status_code=201)
    async def propose(proposal: Proposal, asking: Asking) -> JSONResponse:
        """Check a candidate and keep it; 422 when it cannot be read at all. The same files again change nothing."""
        proposal = asking.signed(proposal)
        day = local_day(max(commands.clock(), proposal.in_force_from or commands.clock()))
        examined = await _examine(proposal, day)
        answer = await commands.run(lambda tx: _propose(tx, proposal, examined))
        return JSONResponse(answer, 201)

    @app.post("/v1/rule-sets/{name}/back-test")
    async def back_test(name: RuleSetPath, order: BackTest, asking: Asking) -> JSONResponse:
        signed = asking.signed(order)
        return JSONResponse(await commands.run(lambda tx: _back_test(tx, name, signed)))

    @app.post("/v1/rule-sets/{name}/approve")
    async def approve(name: RuleSetPath, order: Approval, asking: Asking) -> JSONResponse:
        """Approve a candidate. It is compiled before, so that no batch waits for it, also when it decides at once."""
        signed = asking.signed(order)
        await SHELF.put(name, await commands.query(lambda tx: _files(tx, name)))
        return JSONResponse(await commands.run(lambda tx: _approve(tx, name, signed)))

    @app.post("/v1/rule-sets/{name}/withdraw")
    async def withdraw(name: RuleSetPath, order: Withdrawal, asking: Asking) -> JSONResponse:
        signed = asking.signed(order)
        return JSONResponse(await commands.run(lambda tx: _withdraw(tx, name, signed)))


async def _examine(proposal: Proposal, today: date) -> Examined:
    """Outside any transaction: it can take seconds."""
    try:
        return await compiler.examine(proposal.files, today)
    except packs.INVALID as error:
        raise Refused(422, "invalid-rule-set", str(error)) from None
    except ChildProcessError:
        words = (
            "検査が途中で終わり、何も保存していません。しばらくしてから、もう一度ご提出ください。"
            " The check ended early and nothing was saved: propose the same files again in a moment."
        )
        raise Refused(503, "check-ended-early", words) from None


async def _propose(tx: Tx, proposal: Proposal, examined: Examined) -> tuple[dict[str, Any], list[Event]]:
    life = lifecycle.proposed(examined.hash, proposal.staff, examined.errors, proposal.in_force_from)
    findings = [said(finding) for finding in examined.findings]
    await store.keep_rule_set(tx, examined.hash, packs.dump(proposal.files))
    if not await store.begin_life(tx, life, proposal.note, json.dumps(findings, ensure_ascii=False).encode()):
        return _state(await _locked(tx, examined.hash)) | {"findings": findings}, []
    about: Any = {"rule_set": examined.hash, "at": tx.now}
    return _state(life) | {"findings": findings}, [
        RuleSetProposed(**about, staff=proposal.staff, note=proposal.note, tables=examined.tables, rows=examined.rows),
        RuleSetChecked(**about, errors=examined.errors, warnings=len(findings) - examined.errors),
    ]


def said(finding: PackFinding) -> dict[str, Any]:
    """A finding as JSON; the witness in S-FEEL, so that it can be typed into a table."""
    witness = finding.witness or {}
    return {
        "code": finding.code,
        "error": finding.is_error,
        "table": finding.table,
        "ja": finding.words.ja,
        "en": finding.words.en,
        "witness": {name: None if value is None else write_literal(value) for name, value in witness.items()},
    }


async def _back_test(tx: Tx, name: str, order: BackTest) -> tuple[dict[str, Any], list[Event]]:
    life = await _step(tx, lifecycle.back_test(await _locked(tx, name)))
    return _state(life), [RuleSetBackTested(rule_set=name, at=tx.now, **order.model_dump())]


async def _approve(tx: Tx, name: str, order: Approval) -> tuple[dict[str, Any], list[Event]]:
    found = await _locked(tx, name)
    since = order.in_force_from or max(tx.now, found.proven_from or tx.now)
    life = await _step(tx, lifecycle.approve(found, order.staff, since, tx.now))
    return _state(life), [RuleSetApproved(rule_set=name, at=tx.now, staff=order.staff, in_force_from=since)]


async def _withdraw(tx: Tx, name: str, order: Withdrawal) -> tuple[dict[str, Any], list[Event]]:
    life = await _step(tx, lifecycle.withdraw(await _locked(tx, name), tx.now))
    return _state(life), [RuleSetWithdrawn(rule_set=name, at=tx.now, **order.model_dump())]


async def _step(tx: Tx, after: Life | Refusal) -> Life:
    life = taken(after)
    await store.save_lives(tx, [life])
    return life


async def _locked(tx: Tx, name: str) -> Life:
    life = await store.lock_life(tx, name)
    if life is None:
        raise Refused(
            404, "no-such-rule-set", "この規則は見つかりません。番号をお確かめください。 There is no such rule set."
        )
    return life


async def _files(tx: Tx, name: str) -> bytes:
    await _locked(tx, name)
    return await store.files_of(tx, name)


async def _listed(tx: Tx, limit: int) -> list[dict[str, Any]]:
    return [
        _state(Life(*row[:6]))
        | {
            "proposed_at": row["proposed_at"].isoformat(),
            "note": row["note"],
            "findings": json.loads(row["findings"]),
        }
        for row in await store.lives(tx, limit)
    ]


def _state(life: Life) -> dict[str, Any]:
    return {
        "rule_set": life.hash,
        "state": life.state,
        "proposed_by": life.proposed_by,
        "approved_by": life.approved_by,
        "in_force_from": life.in_force_from.isoformat() if life.in_force_from else None,
    }
