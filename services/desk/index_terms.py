"""What a clerk's search and a sealed value have in common: a keyed digest of the value as it is compared. Pure.

The digests are a blind index: without the key nobody can tell a value from them, or try values out. With the key that seals the
application they lose all meaning.
"""

import hmac
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Literal

Field = Literal["name", "kana", "born", "email", "phone"]
FIELDS: tuple[Field, ...] = ("name", "kana", "born", "email", "phone")

_BYTES = 16
_BETWEEN = (*b" -()", 8208, 8209, 8210, 8211, 8722, 12539, 183)
"""What people put between the parts of a name or a number: spaces, hyphens, middle dots."""
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
    return [term(key, each, text) for key in keys for each in fields]


def _parts(field: Field, text: str) -> set[str]:
    return {text, *text.split(maxsplit=1)[:1]} if field in ("name", "kana") else {text}


def _digest(key: bytes, field: Field, plain: str) -> bytes:
    return hmac.digest(key, f"{field}\0{plain}".encode(), "sha256")[:_BYTES]
