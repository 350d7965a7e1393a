"""What a clerk's search and a sealed value have in common: a keyed digest of the value as it is compared. Pure.

The digests are a blind index: without the key nobody can tell a value from them, or try values out. With the key that seals the
application they lose all meaning.
"""

import hmac
import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Literal

Field = Literal["name", "kana", "born", "email", "phone"]
FIELDS: tuple[Field, ...] = ("name", "kana", "born", "email", "phone")

_BYTES = 16
_BETWEEN = (*b" -()", 8208, 8209, 8210, 8211, 8722, 12539, 183)
"""What people put between the parts of a name or a number: spaces, hyphens, middle dots."""
_DASHES: dict[int, str] = dict.fromkeys((0x30FC, 0xFF70, 0x2014, 0x2015, 0x2500, 0x301C, 0x7E), "-")
_ERAS = {"明治": 1867, "大正": 1911, "昭和": 1925, "平成": 1988, "令和": 2018} | dict(
    zip("mtshr", (1867, 1911, 1925, 1988, 2018), strict=True)
)
"""The year before the first of each."""
_DAY = re.compile(
    r"(?P<era>明治|大正|昭和|平成|令和|[mtshr])?(?P<year>元|[0-9]{1,4})[-/.年](?P<month>[0-9]{1,2})[-/.月](?P<day>[0-9]{1,2})日?"
)
_FOLDED = {code: code - 0x60 for code in range(0x30A1, 0x30F7)} | dict.fromkeys(_BETWEEN)


def normalised(text: str) -> str:
    """NFKC, small letters, hiragana for katakana, nothing between the parts: クシロ　ハナコ and くしろ はなこ are one."""
    if text.isascii():  # Nothing to compose: birth dates, numbers and addresses of mail.
        return "".join(text.lower().translate(_FOLDED).split())
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()).translate(_FOLDED)
    return unicodedata.normalize("NFKC", "".join(plain.split()))


def term(key: bytes, field: Field, text: str) -> bytes:
    """The digest under which a value of a field is found."""
    return _digest(key, field, normalised(text))


def terms(key: bytes, values: Mapping[str, str]) -> set[bytes]:
    """The digests of an application, of its values by path: each whole, and a family name by itself."""
    return {
        _digest(key, field, plain)
        for field in FIELDS
        if (value := values.get(f"applicant.{field}"))
        for text in _parts(field, value)
        if (plain := normalised(text))
    }


def wanted(keys: Iterable[bytes], field: Field, text: str) -> list[bytes]:
    """The digests to look for, one a key: nobody knows under which an application lies. A name is looked for as kana too."""
    fields: tuple[Field, ...] = ("name", "kana") if field == "name" else (field,)
    written = _iso(text) if field == "born" else _hyphenated(text) if field == "phone" else text
    return [term(key, each, written) for key in keys for each in fields]


def _parts(field: Field, text: str) -> set[str]:
    if field in ("name", "kana"):
        return {text, *text.split(maxsplit=1)[:1]}
    return {_hyphenated(text)} if field == "phone" else {text}


def _hyphenated(text: str) -> str:
    """A telephone number with hyphens for whatever dashes are typed: in a name ー is a letter."""
    return text.translate(_DASHES)


def _iso(text: str) -> str:
    """A day as it is kept, 1981-02-03, however it is written: 1981/2/3, 昭和56年2月3日, S56.2.3. What is none stays as it is."""
    found = _DAY.fullmatch("".join(unicodedata.normalize("NFKC", text).casefold().split()))
    if found is None:
        return text
    year = 1 if found["year"] == "元" else int(found["year"])
    return f"{year + _ERAS.get(found['era'], 0):04d}-{int(found['month']):02d}-{int(found['day']):02d}"


def _digest(key: bytes, field: Field, plain: str) -> bytes:
    return hmac.digest(key, f"{field}\0{plain}".encode(), "sha256")[:_BYTES]
