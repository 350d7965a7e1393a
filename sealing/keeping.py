"""Writing to a keyring: one at a time, and what an earlier one had decided but not done is done first.

Two things take several files: a destruction and a restoration. Each is decided by writing one file whole (the confirmed request; `restoring`)
and done afterwards, in steps that may be repeated. A crash before that file changes nothing; one after it is made good by whoever
opens the keyring next.
"""

import contextlib
from collections.abc import Generator
from datetime import datetime
from pathlib import Path

from pydantic import Field

from sealing import durable
from sealing.certificates import BackUpNote, Request, certify
from sealing.documents import Document, encoded, read
from sealing.errors import KeyringRefusal, UnsafeKeyring
from sealing.folders import MARK, MARK_CONTENT, Folders
from sealing.keyring import JST


class Restoring(Document):
    """`restoring`: files by their path below the keyring, as the back-up had them."""

    files: dict[str, bytes] = Field(repr=False)


@contextlib.contextmanager
def writing(root: Path, *, restoring: bool = False) -> Generator[Folders]:
    """The keyring at `root`, for this process alone, whole; made when it is not there. Raises KeyringRefusal, UnsafeKeyring.

    One whose opening half is not there is refused, unless whoever opens it is `restoring`.
    """
    folders = Folders(root)
    if not restoring:
        _require_opening_half(folders)
    for folder in folders.all():
        durable.make_folder(folder)
    with durable.locked(root / "lock"):
        _mark(folders)
        for folder in folders.all():
            durable.sweep(folder)
        complete(folders)
        yield folders


def _require_opening_half(folders: Folders) -> None:
    """It may be a volume of its own. Where that is not mounted, what is made in its place is lost, and what is destroyed lives on."""
    if any(folders.public.glob("*.pub")) and not (folders.private / MARK).exists():
        raise KeyringRefusal(
            f"{folders.private} holds no keyring, and {folders.public} does: is it mounted? Nothing was done. "
            "A half that is lost is brought back by `madoguchi keys restore FILE`."
        )


def complete(folders: Folders) -> None:
    """Do what was decided and not done."""
    if folders.restoring.exists():
        put_back(folders)
    for file in folders.destroyed.glob("*.json"):
        _destroy_files(folders, file.stem)
    for request in confirmed(folders):
        destroy(folders, request)


def put_back(folders: Folders) -> None:
    """Write the files that `restoring` holds and that are not there."""
    for path, content in read(Restoring, folders.restoring).files.items():
        if not (folders.root / path).exists():
            durable.write(folders.root / path, content)
    durable.shred(folders.restoring)


def destroy(folders: Folders, request: Request) -> None:
    """Destroy the key of a confirmed request: marks first, so that nobody takes it for lost; the certificate last, so that it is true."""
    _destroy_files(folders, request.key)
    if not folders.certificate(request.key).exists():
        certificate = certify(request, tuple(notes(folders)), datetime.now(JST).replace(microsecond=0))
        durable.write(folders.certificate(request.key), encoded(certificate))
    durable.shred(folders.request(request.key))


def _destroy_files(folders: Folders, name: str) -> None:
    for mark in folders.marks(name):
        if not mark.exists():
            durable.write(mark, b"destroyed\n")
    for version in folders.versions(name):
        durable.shred(folders.private / f"{name}.{version}.key")
        durable.shred(folders.public / f"{name}.{version}.pub")


def confirmed(folders: Folders) -> list[Request]:
    """Destructions that were decided and are not done. One whose file is damaged is nobody's decision."""
    found: list[Request] = []
    for file in folders.requests.glob("*.json"):
        with contextlib.suppress(UnsafeKeyring):
            found.append(read(Request, file))
    return [request for request in found if request.confirmed]


def notes(folders: Folders) -> list[BackUpNote]:
    """The back-ups that were made, the oldest first. Raises UnsafeKeyring for a damaged note: a certificate must not leave one out."""
    return sorted((read(BackUpNote, file) for file in folders.back_ups.glob("*.json")), key=lambda note: note.at)


def _mark(folders: Folders) -> None:
    for half in (folders.public, folders.private):
        if not (half / MARK).exists():
            durable.write(half / MARK, MARK_CONTENT)
