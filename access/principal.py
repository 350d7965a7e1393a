"""Who is asking, and why they are turned away."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from chassis.errors import Refused
from contracts import control_characters, individual_numbers
from contracts.envelope import Model

M = TypeVar("M", bound=Model)

STAFF = re.compile(r"[A-Za-z0-9._-]{1,64}")
CODE = re.compile(r"[a-z0-9-]{1,64}")


@dataclass(frozen=True, slots=True)
class Principal:
    """A member of staff, or a program of theirs; `departments` are the codes of those they work for."""

    staff: str
    roles: frozenset[str]
    departments: frozenset[str]


@dataclass(frozen=True, slots=True)
class ClaimNames:
    """Which claims of the provider's tokens say who somebody is."""

    staff: str
    roles: str
    departments: str


def sign_in_first() -> Refused:
    """Nobody is signed in."""
    return Refused(401, "sign-in", "ログインしてください。 Sign in: GET /login, or send a bearer token.")


def token_first() -> Refused:
    """No token is sent, where nothing else lets anybody in."""
    words = (
        "アクセストークンが必要です。Authorization: Bearer に付けてお送りください。"
        " Send an access token of the city's provider: `Authorization: Bearer <token>`."
    )
    return Refused(401, "sign-in", words, {"WWW-Authenticate": 'Bearer realm="madoguchi"'})


def bad_token() -> Refused:
    """A token that the provider did not sign, or not for us, or not for now."""
    words = (
        "アクセストークンが無効か、期限が切れています。新しいトークンを取得してください。"
        " This token is over, or was not made for Madoguchi by the city's provider: fetch another."
    )
    return Refused(401, "bad-token", words, {"WWW-Authenticate": 'Bearer realm="madoguchi", error="invalid_token"'})


def not_allowed() -> Refused:
    """Signed in, and not allowed."""
    return Refused(
        403,
        "not-allowed",
        "この操作の権限がありません。所属長へご相談ください。 Your role does not allow this: ask your chief.",
    )


def other_department() -> Refused:
    """Allowed, and not for this department."""
    return Refused(
        403,
        "other-department",
        "他の課の案件はご覧になれません。 This is another department's: only its own staff may.",
    )


def second_factor_first(acr_values: str) -> Refused:
    """A token of somebody who has shown no second factor, where the settings ask for one. RFC 9470."""
    words = (
        "二段階の認証が必要です。認証アプリなどで認証し直してください。"
        " A second factor is asked for: sign in with one at the city's provider, and fetch another token."
    )
    asked = f', acr_values="{acr_values}"' if acr_values else ""
    challenge = f'Bearer realm="madoguchi", error="insufficient_user_authentication"{asked}'
    return Refused(401, "second-factor", words, {"WWW-Authenticate": challenge})


def no_such_staff() -> Refused:
    """The provider vouches for somebody who is no member of staff."""
    return Refused(
        403,
        "no-such-staff",
        "職員の情報が正しく登録されていません。システム管理者へご連絡ください。"
        " The provider's token names no member of staff as Madoguchi knows them: tell the system manager.",
    )


def not_yourself() -> Refused:
    """An order in the name of somebody else."""
    return Refused(
        403,
        "not-yourself",
        "他の職員の名前では操作できません。 `staff` is not you: leave it out, or sign in as who you are.",
    )


def control_character() -> Refused:
    """What no person types: no text of PostgreSQL's holds a NUL, and what an event says of one would be parked elsewhere."""
    return Refused(422, control_characters.CODE, control_characters.WORDS)


def individual_number() -> Refused:
    """What staff write goes into events, mails and answers; an Individual Number is sealed by intake alone, and stays there."""
    return Refused(
        422,
        "individual-number",
        "個人番号（マイナンバー）を書くことはできません。番号を消してからお送りください。"
        " No Individual Number (My Number) may be written here: remove it and send again.",
    )


def signed(order: M, who: Principal) -> M:
    """The order in the name of who asks, in its field `staff`.

    Raises Refused when it bears another's, or says what no person types, or an Individual Number.
    """
    if getattr(order, "staff", "") not in ("", who.staff):
        raise not_yourself()
    if any(isinstance(text, str) and control_characters.found_in(text) for _, text in order):
        raise control_character()
    if any(isinstance(text, str) and individual_numbers.find(text) for _, text in order):
        raise individual_number()
    return order.model_copy(update={"staff": who.staff})


def principal_of(claims: Mapping[str, Any], names: ClaimNames) -> Principal:
    """Whom verified claims name. Raises Refused when that is nobody.

    Roles and departments are a list of text or text separated by spaces. A department that is no code is refused and not
    left out: what is written there would be said to PostgreSQL.
    """
    staff, departments = claims.get(names.staff), listed(claims.get(names.departments))
    if not isinstance(staff, str) or not STAFF.fullmatch(staff) or not all(map(CODE.fullmatch, departments)):
        raise no_such_staff()
    return Principal(staff, frozenset(listed(claims.get(names.roles))), frozenset(departments))


def listed(value: object) -> list[str]:
    """A claim that is a list of text, or text separated by spaces; nothing of any other."""
    found = value.split() if isinstance(value, str) else value
    return [str(one) for one in found] if isinstance(found, (list, tuple)) else []
