"""How a worklist is paged, and the words that staff read in it. Pure."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from datetime import date
from uuid import UUID

from services.desk.refusals import Words
from services.desk.rules import Item, State


def cursor(item: Item) -> str:
    """Where the page after `item` begins, opaque."""
    return urlsafe_b64encode(item.due_on.toordinal().to_bytes(4) + item.case_id.bytes).decode().rstrip("=")


def read_cursor(text: str) -> tuple[date, UUID] | None:
    """(due_on, case_id) of a cursor, None when it is not one."""
    try:
        place = urlsafe_b64decode(text + "==")
        return date.fromordinal(int.from_bytes(place[:4])), UUID(bytes=place[4:])
    except (ValueError, OverflowError):
        return None


def page(found: Sequence[Item], size: int) -> tuple[Sequence[Item], str | None]:
    """(one page, cursor of the next) of `found`, which was asked for with one item more than the page holds."""
    return found[:size], (cursor(found[size - 1]) if len(found) > size else None)


STATES: Mapping[State, Words] = {
    "open": Words("未着手", "Not claimed yet"),
    "claimed": Words("審査中", "Being examined"),
    "waiting": Words("補正待ち", "Waiting for a correction"),
    "returned": Words("担当課確認中", "Returned, waiting for a department"),
    "decided": Words("審査済み", "Decided"),
    "closed": Words("完了", "Closed"),
}
RULE_SET_STEPS: Mapping[str, Words] = {
    "proposed": Words("規則の案が提出されました。", "Proposed."),
    "checked": Words("規則の案を検査しました。", "Checked."),
    "back-tested": Words("過去の案件で試しました。", "Tried on past cases."),
    "approved": Words("別の職員が承認しました。", "Approved by a second person."),
    "withdrawn": Words("取り下げられました。", "Withdrawn."),
    "came-into-force": Words("施行されました。", "Came into force."),
    "superseded": Words("新しい規則に替わりました。", "Superseded by another rule set."),
}
OVERLAY_STEPS: Mapping[tuple[str, str], Words] = {
    ("switch-requested", "on"): Words("災害時規則の適用が依頼されました。", "Somebody asked for it to be switched on."),
    ("switch-requested", "off"): Words(
        "災害時規則の解除が依頼されました。", "Somebody asked for it to be switched off."
    ),
    ("switched", "on"): Words(
        "別の職員が確認し、災害時規則を適用します。", "Confirmed by a second person: switched on."
    ),
    ("switched", "off"): Words(
        "別の職員が確認し、災害時規則を解除します。", "Confirmed by a second person: switched off."
    ),
    ("switch-withdrawn", "on"): Words("適用の依頼は取り下げられました。", "The request to switch it on was withdrawn."),
    ("switch-withdrawn", "off"): Words(
        "解除の依頼は取り下げられました。", "The request to switch it off was withdrawn."
    ),
}
STEPS: Mapping[str, Words] = {
    "opened": Words("担当課に届きました。", "Came to the department."),
    "claim": Words("担当を引き受けました。", "Claimed."),
    "handover": Words("担当を引き継ぎました。", "Handed over to a colleague."),
    "request-correction": Words("補正を求めました。", "A correction was asked for."),
    "extend": Words("期限を延長しました。", "The deadline was extended, and the citizen told."),
    "end-stage": Words("段階を終えました。", "A stage was ended."),
    "deadline-moved": Words("期限が変わりました。", "The deadline moved, or its clock stopped."),
    "return": Words("担当課ではないため返しました。", "Returned: another department is responsible."),
    "decide": Words("審査の結果を登録しました。", "Decided."),
    "close": Words("完了しました。", "Closed."),
    "rerouted": Words("担当課が変わりました。", "Moved to this department."),
    "sent-to-triage": Words("振分け担当に届きました。", "Came to triage: a person finds the department."),
    "correction-accepted": Words("補正が届きました。", "The correction came."),
    "withdrawn": Words("申請が取り下げられました。", "The application was withdrawn."),
    "succession": Words("組織の変更により、後の課へ引き継ぎました。", "Handed on to the department's successor."),
}
