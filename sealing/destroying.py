"""Destroying a key: one person asks, another confirms, a certificate stays. All versions go; the name is never used again."""

from datetime import datetime
from pathlib import Path

from sealing import durable
from sealing.certificates import Asked, Certificate, Confirmed, Request, Version, person, said
from sealing.documents import encoded, read
from sealing.errors import DestroyedKey, KeyringRefusal, UnknownKey
from sealing.folders import Folders, checked_name
from sealing.keeping import destroy, notes, writing
from sealing.making import fingerprint


def ask(root: Path, name: str, *, by: str, reason: str, at: datetime) -> Request:
    """Ask for the destruction of a key. Nothing is destroyed until another person confirms it.

    Raises UnknownKey, DestroyedKey; KeyringRefusal when it is asked for already, or nobody or nothing is named.
    """
    asked = Asked(by=said("Who asks", by), at=at, reason=said("The reason", reason))
    with writing(root) as folders:
        _require_living(folders, checked_name(name))
        if folders.request(name).exists():
            raise KeyringRefusal(f"The destruction of {name} is asked for already: confirm it, or withdraw it.")
        request = Request(key=name, asked=asked)
        durable.write(folders.request(name), encoded(request))
    return request


def withdraw(root: Path, name: str) -> None:
    """Take a request back that nobody has confirmed; a damaged one too. Raises UnknownKey, DestroyedKey, KeyringRefusal."""
    with writing(root) as folders:
        _require_request(folders, checked_name(name))
        durable.shred(folders.request(name))


def confirm(root: Path, name: str, *, by: str, at: datetime) -> Certificate:
    """Confirm what another person has asked for: the key is destroyed, and this is the certificate.

    Said again after a crash, or after all is done, it answers with the same certificate.
    Raises UnknownKey, UnsafeKeyring; KeyringRefusal when nothing was asked for, or by the same person.
    """
    confirmed = Confirmed(by=said("Who confirms", by), at=at)
    with writing(root) as folders:
        if not folders.certificate(checked_name(name)).exists():
            _decide(folders, name, confirmed)
        return read(Certificate, folders.certificate(name))


def _decide(folders: Folders, name: str, confirmed: Confirmed) -> None:
    _require_request(folders, name)
    request = read(Request, folders.request(name))
    if person(request.asked.by) == person(confirmed.by):
        raise KeyringRefusal(f"{request.asked.by} asked for it: another person confirms. Ask a colleague.")
    notes(folders)  # a damaged note is found before there is no way back
    versions = tuple(
        Version(version=key, public_sha256=fingerprint(folders, key))
        for key in (f"{name}.{number}" for number in folders.versions(name))
    )
    decided = request.model_copy(update={"confirmed": confirmed, "versions": versions})
    durable.write(folders.request(name), encoded(decided))
    destroy(folders, decided)


def _require_request(folders: Folders, name: str) -> None:
    if folders.certificate(name).exists():
        raise DestroyedKey(f"{name} is destroyed: there is nothing left to take back.")
    if not folders.request(name).exists():
        raise KeyringRefusal(f"Nobody has asked for the destruction of {name}: `madoguchi keys destroy {name}` does.")


def _require_living(folders: Folders, name: str) -> None:
    if folders.certificate(name).exists():
        raise DestroyedKey(f"{name} is destroyed already: its certificate is {folders.certificate(name)}.")
    if not folders.versions(name) and not folders.is_destroyed(name):
        raise UnknownKey(f"no key {name}: see `madoguchi keys list`.")
