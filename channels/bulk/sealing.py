"""What is personal leaves the channel sealed: by the city's public key for the edge, which intake alone can open."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from channels.bulk.errors import BulkError
from sealing import cipher
from sealing.adapters import UnknownKeyring, open_wrapping
from sealing.errors import KeyringAway, SealingError
from sealing.keyring import EDGE, SealKey, key_name
from sealing.places import Place


@dataclass(frozen=True, slots=True)
class EdgeSeal:
    """One secret for a whole import."""

    key: SealKey

    def sealed(self, application: Mapping[str, Any], place: Place) -> dict[str, Any]:
        """The application with its applicant sealed; one that names nobody as it is."""
        values = {f"applicant.{field}": text for field, text in application.get("applicant", {}).items()}
        if not values:
            return dict(application)
        rest = {name: value for name, value in application.items() if name != "applicant"}
        return rest | {"sealed": cipher.seal(self.key, place.bound(2), values, 2).model_dump()}


def edge_seal(keyring: str) -> EdgeSeal:
    """A fresh secret under this year's key of the edge. `keyring` is the address of its public half. Raises BulkError."""
    try:
        return EdgeSeal(open_wrapping(keyring).new(key_name(EDGE, datetime.now(UTC))))
    except (SealingError, KeyringAway, UnknownKeyring) as error:
        raise BulkError(f"Nothing is published unsealed, and there is no key to seal with: {error}") from None
