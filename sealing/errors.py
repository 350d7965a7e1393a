"""What can go wrong with a seal or a keyring. None of these ever says what was sealed.

SealingError
├── BrokenSeal      the text was changed, or belongs to another field, application or key; past intake also: it is not sealed at all
├── UnknownKey      the keyring has no such key
└── DestroyedKey    the key was destroyed on purpose, with a certificate: what it sealed is erased
KeyringAway         the keyring does not answer: an OSError, so that whoever meets it waits and tries again
└── UnsafeKeyring   it is there, but a person must mend it first: a damaged file, one that others may read
KeyringRefusal      an order of a person that the keyring does not follow; nothing has changed
└── BadBackUp       the file is no back-up, was changed, or the passphrase does not open it
"""


class SealingError(Exception):
    """The root of the tree above. An event that meets one is parked: no repetition cures it."""


class BrokenSeal(SealingError):
    """The authentication tag does not fit, or a personal value stands where only a sealed one may."""


class UnknownKey(SealingError):
    """No such key."""


class DestroyedKey(SealingError):
    """The key is gone for good."""


class KeyringAway(ConnectionError):
    """Nobody is guilty; pause and try again."""


class UnsafeKeyring(KeyringAway):
    """The message says which file, and what to do about it. No event is guilty of it, so that none is parked."""


class KeyringRefusal(Exception):
    """The message says why, and what to do."""


class BadBackUp(KeyringRefusal):
    """Nothing was restored."""
