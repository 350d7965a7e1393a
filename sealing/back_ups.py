"""A back-up of a keyring: one encrypted file, noted in the keyring so that a certificate can name it; and the way back.

madoguchi key back-up 1 LF      so that a person sees what it is
header LF                       a document: which back-up, of which keys, and how its passphrase becomes a key (scrypt, RFC 7914)
sealed                          AES-256-GCM of the files, the two lines above being its associated data
SHA-256 of all the above        32 bytes: damage is told from a wrong passphrase
"""

import hashlib
import re
import secrets
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal
from uuid import uuid4

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from pydantic import Field

from sealing import durable
from sealing.certificates import BackUpNote, Certificate
from sealing.documents import Document, decoded, digest, encoded
from sealing.errors import BadBackUp, KeyringRefusal
from sealing.files import PrivateKey, PublicKey
from sealing.folders import Folders
from sealing.keeping import Restoring, complete, put_back, writing
from sealing.keyring import VERSION

MAGIC = b"madoguchi key back-up 1\n"
SHORTEST_PASSPHRASE = 12
_DIGEST = 32
_NAME = VERSION.pattern.split(r"\.")[0]


class Header(Document):
    """What may be known without the passphrase. 128 MiB and about half a second for each guess at it."""

    id: str = Field(pattern=r"^[0-9a-f-]{36}$")
    at: datetime
    keys: tuple[str, ...]
    scrypt_n: Literal[131072] = 131072
    scrypt_r: Literal[8] = 8
    scrypt_p: Literal[1] = 1
    salt: bytes = Field(min_length=16, max_length=16)
    nonce: bytes = Field(min_length=12, max_length=12)


@dataclass(frozen=True, slots=True)
class Restored:
    """Names of key versions: put back; here already, the same; destroyed, and so left out."""

    put_back: tuple[str, ...]
    here_already: tuple[str, ...]
    destroyed: tuple[str, ...]


_MODELS: dict[re.Pattern[str], type[Document]] = {
    re.compile(rf"private/{VERSION.pattern}\.key"): PrivateKey,
    re.compile(rf"public/{VERSION.pattern}\.pub"): PublicKey,
    re.compile(rf"destroyed/{_NAME}\.json"): Certificate,
    re.compile(r"back-ups/[0-9a-f-]{36}\.json"): BackUpNote,
}
"""The files that a back-up holds, and what each must be."""


def back_up(root: Path, file: Path, passphrase: str, at: datetime) -> BackUpNote:
    """Write all keys, certificates and notes of back-ups, encrypted, to a new file. Raises KeyringRefusal, UnsafeKeyring."""
    _require_strong(passphrase)
    with writing(root) as folders:
        if file.exists():
            raise KeyringRefusal(f"{file} is there already: a back-up is a new file.")
        keys = tuple(sorted({match["name"] for match in map(VERSION.fullmatch, _keys(folders)) if match}))
        header = Header(id=str(uuid4()), at=at, keys=keys, salt=secrets.token_bytes(16), nonce=secrets.token_bytes(12))
        content = _sealed(header, Restoring(files=_files(folders)), passphrase)
        note = BackUpNote(
            id=header.id, at=at, file=str(file.absolute()), sha256_of_file=digest(content), keys=header.keys
        )
        _write_noted(folders, note, file, content)
    return note


def restore(root: Path, file: Path, passphrase: str) -> Restored:
    """Put back what a back-up holds and is missing here: all of it or nothing. Certificates come along, and what they destroyed goes.

    Raises BadBackUp when the file or the passphrase is wrong; KeyringRefusal when a key here differs from the one in the back-up.
    """
    content = _read_file(file)
    header, found = _opened(content, passphrase)
    note = BackUpNote(
        id=header.id, at=header.at, file=str(file.absolute()), sha256_of_file=digest(content), keys=header.keys
    )
    files = _checked(found.files) | {f"back-ups/{header.id}.json": encoded(note)}
    with writing(root, restoring=True) as folders:
        gone = {name for name in _names(files) if folders.is_destroyed(name) or f"destroyed/{name}.json" in files}
        left = {path: held for path, held in files.items() if _name_of(path) not in gone}
        new = {path: held for path, held in left.items() if not (root / path).exists()}
        _refuse_differing(root, {path: held for path, held in left.items() if path not in new})
        _put_back(folders, new)
    versions = {Path(path).stem for path in files if path.startswith("private/")}
    made = {Path(path).stem for path in new if path.startswith("private/")}
    here = {Path(path).stem for path in left if path.startswith("private/")} - made
    return Restored(_sorted(made), _sorted(here), _sorted(versions - made - here))


def _write_noted(folders: Folders, note: BackUpNote, file: Path, content: bytes) -> None:
    # The note first: a certificate may name a back-up that was never finished, but must not leave one out.
    noted = folders.back_ups / f"{note.id}.json"
    durable.write(noted, encoded(note))
    try:
        durable.write(file, content)
    except KeyringRefusal:
        durable.shred(noted)
        raise


def _put_back(folders: Folders, new: dict[str, bytes]) -> None:
    durable.write(folders.restoring, encoded(Restoring(files=new)))
    try:
        put_back(folders)
    except KeyringRefusal:
        for path in new:
            durable.shred(folders.root / path)
        durable.shred(folders.restoring)
        raise
    complete(folders)


def _files(folders: Folders) -> dict[str, bytes]:
    found = {str(file.relative_to(folders.root)): file for folder in folders.all()[1:] for file in folder.iterdir()}
    return _checked({path: file.read_bytes() for path, file in sorted(found.items()) if _model(path)})


def _keys(folders: Folders) -> list[str]:
    return [file.stem for file in folders.private.glob("*.key")]


def _checked(files: dict[str, bytes]) -> dict[str, bytes]:
    """The same files. Raises BadBackUp when one is not what its path says, so that nothing damaged is kept or put back."""
    for path, content in files.items():
        model = _model(path)
        try:
            if model is None:
                raise ValueError("no file of a keyring")
            decoded(model, content)
        except ValueError as error:
            raise BadBackUp(f"{path} is damaged ({error}): nothing was done.") from None
    return files


def _model(path: str) -> type[Document] | None:
    return next((model for pattern, model in _MODELS.items() if pattern.fullmatch(path)), None)


def _name_of(path: str) -> str | None:
    """The name of the key whose version a path holds."""
    match = VERSION.fullmatch(Path(path).stem)
    return match["name"] if match else None


def _names(files: dict[str, bytes]) -> set[str]:
    return {name for name in map(_name_of, files) if name}


def _refuse_differing(root: Path, here: dict[str, bytes]) -> None:
    for path, content in here.items():
        if path.startswith(("private/", "public/")) and (root / path).read_bytes() != content:
            raise KeyringRefusal(
                f"{root / path} is another key than the back-up's: nothing was restored. Which is right?"
            )


def _sealed(header: Header, files: Restoring, passphrase: str) -> bytes:
    head = MAGIC + encoded(header)
    body = head + AESGCM(_key(header, passphrase)).encrypt(header.nonce, encoded(files), head)
    return body + hashlib.sha256(body).digest()


def _opened(content: bytes, passphrase: str) -> tuple[Header, Restoring]:
    body, sealed_digest = content[:-_DIGEST], content[-_DIGEST:]
    if not body.startswith(MAGIC):
        raise BadBackUp("This is no back-up of a keyring.")
    if hashlib.sha256(body).digest() != sealed_digest:
        raise BadBackUp("The back-up is damaged or cut off: take another copy of it.")
    line, _, sealed = body[len(MAGIC) :].partition(b"\n")
    try:
        header = decoded(Header, line + b"\n")
        head = MAGIC + line + b"\n"
        return header, decoded(Restoring, AESGCM(_key(header, passphrase)).decrypt(header.nonce, sealed, head))
    except InvalidTag:
        raise BadBackUp("The passphrase does not open this back-up.") from None
    except ValueError:
        raise BadBackUp("The back-up is of a kind that this version does not know.") from None


def _key(header: Header, passphrase: str) -> bytes:
    # NFKC, so that one keyboard's full-width letters open what another's closed.
    typed = unicodedata.normalize("NFKC", passphrase).encode()
    scrypt = Scrypt(salt=header.salt, length=32, n=header.scrypt_n, r=header.scrypt_r, p=header.scrypt_p)
    return scrypt.derive(typed)


def _require_strong(passphrase: str) -> None:
    if len(unicodedata.normalize("NFKC", passphrase)) < SHORTEST_PASSPHRASE:
        raise KeyringRefusal(f"The passphrase is too short: at least {SHORTEST_PASSPHRASE} characters.")


def _read_file(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise BadBackUp(f"{file} cannot be read: {error.strerror}.") from None


def _sorted(keys: set[str]) -> tuple[str, ...]:
    return tuple(sorted(keys))
