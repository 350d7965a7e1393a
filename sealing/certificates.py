"""The papers of a destruction: the request, and the certificate that stays."""

import unicodedata
from datetime import datetime
from typing import Literal

from contracts.sealed import NUMBER_CLASS
from sealing.documents import Document
from sealing.errors import KeyringRefusal
from sealing.keyring import VERSION


class Asked(Document):
    """Who wants a key destroyed, and why."""

    by: str
    at: datetime
    reason: str


class Confirmed(Document):
    """Who else wants it."""

    by: str
    at: datetime


class Version(Document):
    """One version of the key; `public_sha256` is the SHA-256 of its 32 public bytes, None when neither half could be read."""

    version: str
    public_sha256: str | None


class Request(Document):
    """`requests/5y-2026.json`. With `confirmed` it is a decision: nothing takes it back, and whoever comes next completes it."""

    key: str
    asked: Asked
    confirmed: Confirmed | None = None
    versions: tuple[Version, ...] = ()


class BackUpNote(Document):
    """`back-ups/ID.json`: a back-up was made (or at least begun). `sha256_of_file` tells it from others, wherever it lies now."""

    id: str
    at: datetime
    file: str
    sha256_of_file: str
    keys: tuple[str, ...]


class Words(Document):
    """A sentence in both languages."""

    ja: str
    en: str


class Certificate(Document):
    """`destroyed/5y-2026.json`."""

    certificate: Literal["madoguchi key destruction 1"] = "madoguchi key destruction 1"
    key: str
    retention: str
    fiscal_year: int
    versions: tuple[Version, ...]
    asked: Asked
    confirmed: Confirmed
    destroyed_at: datetime
    back_ups: tuple[BackUpNote, ...]
    """Those that still hold the key: it is gone everywhere once they are."""
    unreadable: Words


def certify(request: Request, back_ups: tuple[BackUpNote, ...], at: datetime) -> Certificate:
    """The certificate of a request that two people have made. Raises KeyringRefusal while it is one person's."""
    match = VERSION.fullmatch(f"{request.key}.1")
    if match is None or request.confirmed is None:
        raise KeyringRefusal(f"The destruction of {request.key} is not confirmed.")
    return Certificate(
        key=request.key,
        retention=match["retention"],
        fiscal_year=int(match["year"]),
        versions=request.versions,
        asked=request.asked,
        confirmed=request.confirmed,
        destroyed_at=at,
        back_ups=tuple(note for note in back_ups if request.key in note.keys),
        unreadable=unreadable(match["retention"], int(match["year"])),
    )


def unreadable(retention: str, year: int) -> Words:
    """What the destruction of a key makes unreadable."""
    numbers = retention.startswith(NUMBER_CLASS)
    what = ("個人番号", "Individual Numbers") if numbers else ("個人情報", "Personal data")
    retention = retention.removeprefix(NUMBER_CLASS)
    return Words(
        ja=f"保存区分「{retention}」・{year}年度に受け付けた申請の{what[0]}は、復号できません。データベースの表、Kafka のトピック、"
        "発信簿、保留した出来事、および廃棄の前に取得したデータベースのバックアップのいずれにおいても同様です。"
        "ただし、back_ups に記載した鍵のバックアップが残っている間は、その鍵により復号できます。",
        en=f"{what[1]} of applications received in retention class {retention}, fiscal year {year}, can no longer be decrypted: in "
        "the databases' tables, on Kafka's topics, in the journals, in parked events, and in every database back-up made before the "
        "destruction; except by a key back-up listed in back_ups, as long as one is left.",
    )


def person(name: str) -> str:
    """A name by which one person is told from another: width, case, spaces and invisible characters make nobody a second person."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    return "".join(c for c in folded if not c.isspace() and unicodedata.category(c) not in {"Cc", "Cf"})


def said(what: str, text: str) -> str:
    """A text that a person gave. Raises KeyringRefusal when it is empty to the eye."""
    if not person(text):
        raise KeyringRefusal(f"{what} is missing.")
    return text.strip()
