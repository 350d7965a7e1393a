"""What can go wrong with a seal. None of these ever says what was sealed.

SealingError
├── BrokenSeal    the text was changed, or belongs to another field, application or key
├── UnknownKey    the keyring has no such key
└── DestroyedKey  the key was destroyed on purpose, with a certificate: what it sealed is erased
KeyringAway       the keyring does not answer: an OSError, so that whoever meets it waits and tries again
"""


class SealingError(Exception):
    """The root of the tree above. An event that meets one is parked: no repetition cures it."""


class BrokenSeal(SealingError):
    """The authentication tag does not fit."""


class UnknownKey(SealingError):
    """No such key."""


class DestroyedKey(SealingError):
    """The key is gone for good."""


class KeyringAway(ConnectionError):
    """Nobody is guilty; pause and try again."""
