"""Personal data in ciphertext: the cipher, the keyrings, and who may open what.

Intake seals with the public half of a key and can open nothing; desk, notify and archive hold the half that opens. Routing has
neither key nor code: an import contract forbids it this package.
"""
