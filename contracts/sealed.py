"""Personal data in ciphertext, as it stands in an event beside the facts.

What seals and opens it is not here: a reader without the right keys sees that there is something, and what kind, and no more.
"""

from typing import Annotated, Literal

from pydantic import Field

from .envelope import Model

SEALED_TEXT = "(sealed)"
"""Stands where a text is required whose value is sealed."""

KeyVersion = Annotated[str, Field(pattern=r"^[a-z0-9]{1,16}-[0-9]{4}\.[0-9]{1,4}$")]
"""`5y-2026.1`: retention class, fiscal year (年度), rotation."""


SUBMISSION = "submission"
"""What the place of a seal begins with that a channel system makes."""

NUMBER_CLASS = "number"
"""What the class of a key begins with that seals Individual Numbers: those of records kept five years lie under `number5y-2026`."""


class Sealed(Model):
    """Personal values of one application, each by itself under AES-256-GCM (NIST SP 800-38D). All bytes are Base64.

    `wrapped` is a secret of 32 bytes under the key-encryption key `key`. The data key is derived from that secret in one step (NIST
    SP 800-56C rev. 2 §4.1, SHA-256) with `salt` and the application id as fixed information; a value is nonce (12 bytes), ciphertext and tag (16 bytes), bound as
    additional data to the application id and its path: `0198…-… applicant.name`.

    In form 2 both have, for the application id, that id, a line feed and the place of the seal, so that it opens in no other event of the
    same application. For whoever seals by the key of the edge the place is `submission`, a line feed, the `source` of the event, a line
    feed, its `id`. Without `form` two seals of one application can be exchanged.
    """

    key: KeyVersion
    wrapped: Annotated[str, Field(max_length=4096)]
    salt: Annotated[str, Field(max_length=64)]
    values: Annotated[dict[str, str], Field(max_length=64)]
    form: Literal[2] | None = None
