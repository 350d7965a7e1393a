"""intake over HTTP: the same CloudEvents that channels publish on Kafka, answered at once."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response

from chassis.commands import Commands
from chassis.database import Tx
from chassis.errors import Refused, Suspicious
from chassis.http import body_of, problem
from contracts import reading
from contracts.envelope import Event
from contracts.intake import Fault
from contracts.reading import Submission, Unreadable
from sealing.errors import SealingError
from services.intake import handlers, rules, store, timeline
from services.intake.admitting import System
from services.intake.door import Door, permit
from services.intake.guarding import Guarded, guard
from services.intake.rejections_api import add_rejections_route
from services.intake.rules import Known, Sent
from services.intake.seals import Seals, not_opened
from services.intake.settings import Settings
from services.intake.timeline import Step, Words
from services.intake.token_api import add_token_route
from services.intake.tokens import Tokens

Answer = tuple[bytes, list[Event]]
FAULTY = "The application has faulty fields; see `errors`."


def add_routes(app: FastAPI, commands: Commands, settings: Settings, seals: Seals, tokens: Tokens) -> None:
    """`POST /v1/applications`, `GET /v1/applications/{receipt}`, `GET /v1/rejections`, `POST /v1/token`, for systems that have a key."""
    door = Door(commands, tokens)
    add_token_route(app, commands, door, tokens)
    add_rejections_route(app, commands, door)

    @app.post("/v1/applications", status_code=201)
    async def submit(request: Request) -> Response:
        """Take an application, a correction or a withdrawal: one CloudEvent, structured or binary.

        201 with the receipt number; the same event again gets the same bytes. 401 without a key, 403 for a source, channel or
        procedure that is not the key's, 409 when its id came with another content, 422 with every faulty field, 429 too fast.
        """
        system = await door.enter(request)
        sent = _read(request, await body_of(request, settings.most_bytes))
        _permit(system, sent)
        await seals.foresee_one(sent)
        guarded = guard(_opened(system, sent, seals), seals.bases)
        if guarded.submission.event is None:
            return problem(422, "invalid", FAULTY, errors=_errors(guarded.submission.faults))
        answer = await commands.run(lambda tx: _submit(tx, guarded, seals), guarded.submission.traceparent)
        return Response(answer, 201, media_type="application/json")

    @app.get("/v1/applications/{receipt}")
    async def progress(receipt: str, request: Request) -> Response:
        """How far is an application of this system's? The timeline in Japanese, やさしい日本語 and English; 404 for any other."""
        system = await door.enter(request)
        number = rules.receipt_of(receipt)
        if number is None:
            raise Refused(
                404, "no-such-receipt", "受付番号をお確かめください。 This is not a receipt number: please check it."
            )
        return JSONResponse(await commands.query(lambda tx: _timeline(tx, number, system)))


def _permit(system: System, sent: Submission) -> None:
    """Corrections and withdrawals name neither channel nor procedure: they are held to the application of their source."""
    application = getattr(sent.event, "application", None)
    permit(system, sent.source, getattr(application, "channel", None), getattr(application, "procedure", None))


def _read(request: Request, body: bytes) -> Submission:
    headers = {name: value.encode("latin-1") for name, value in request.headers.items()}
    try:
        return reading.read(headers, body)
    except Unreadable as error:
        message = f"The body is not a CloudEvent ({error}). See docs: contracts/schemas, contracts/examples."
        raise Refused(422, "not-a-cloudevent", message, errors=_errors(error.faults)) from None


def _opened(system: System, sent: Submission, seals: Seals) -> Submission:
    """Refused with the word that wakes somebody when the seal does not open: whoever sent it still has it, and is told."""
    try:
        return seals.opened(sent)
    except SealingError as error:
        faults = () if sent.event is None else (not_opened(sent.event),)
        raise Suspicious(422, "broken-seal", FAULTY, who=system.name, errors=_errors(faults)) from error


async def _submit(tx: Tx, sent: Guarded, seals: Seals) -> Answer:
    """Accept, recognise or refuse; a refusal leaves nothing behind, so that it can be mended under the same id."""
    this = handlers.sent_of(sent, seals)
    if not await handlers.claim(tx, [this]):
        return await _again(tx, this), []
    (judged,) = await handlers.judge(tx, [sent], [this], seals)
    if judged.verdict.outcome == "rejected" or judged.verdict.known is None:
        raise _refusal(handlers.faults_of(judged))
    await handlers.note_outcomes(tx, [judged])
    return answer(judged.verdict.known), handlers.announce(tx, judged, seals)


async def _again(tx: Tx, sent: Sent) -> bytes:
    """The answer this source and id got before, if it says the same as then and was not refused."""
    said, before = await store.submission(tx, (sent.source, sent.id)) or (None, None)
    fault = rules.against(sent, said, before)
    known = await store.known(tx, {before.application_id} if before and before.application_id else ())
    if fault or not known:
        found = fault or rules.ID_REUSED
        raise Refused(409, found.code, found.message)
    return answer(known[next(iter(known))])


def answer(known: Known) -> bytes:
    """The bytes a submission is answered with: made of what is stored and nothing else, so always the same."""
    body = (
        f'{{"receipt":"{known.receipt}","application_id":"{known.application_id}",'
        f'"received_at":"{known.received_at:%Y-%m-%dT%H:%M:%S.%fZ}","progress":"/v1/applications/{known.receipt}"}}\n'
    )
    return body.encode()


def _refusal(faults: Sequence[Fault]) -> Refused:
    """422 with every field that is to be mended; 409 for what stands against it however it is written."""
    if all(fault.code in rules.TO_MEND for fault in faults):
        return Refused(422, "invalid", FAULTY, errors=_errors(faults))
    return Refused(409, faults[0].code, faults[0].message)


def _errors(faults: Sequence[Fault]) -> list[dict[str, str]]:
    return [fault.model_dump() for fault in faults]


async def _timeline(tx: Tx, receipt: str, system: System) -> Mapping[str, Any]:
    """One statement finds it or does not: another system's application and none take the same way and the same time."""
    row = await store.by_receipt(tx, receipt, system.sources)
    if row is None:
        raise Refused(
            404, "no-such-receipt", "この受付番号の申請は見つかりません。 No application has this receipt number."
        )
    first = Step(row["received_at"], "jp.madoguchi.application.accepted.v1")
    steps = [first, *await store.steps_of(tx, row["application_id"])]
    return {
        "receipt": row["receipt"],
        "procedure": row["procedure"],
        "channel": row["channel"],
        "state": row["state"],
        "timeline": [_step(step, words) for step, words in zip(steps, timeline.tell(steps), strict=True)],
    }


def _step(step: Step, words: Words) -> dict[str, Any]:
    return {
        "at": step.at.isoformat(),
        "type": step.type,
        "department": step.department,
        "due_on": step.due_on.isoformat() if step.due_on else None,
        "ja": words.ja,
        "ja-easy": words.easy,
        "en": words.en,
    }
