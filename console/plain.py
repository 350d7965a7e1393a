"""For whoever speaks with the servers of this machine, which speak plain HTTP."""

import ssl

PLAIN = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""As `verify` of an HTTP client: nobody is trusted, so over TLS it speaks with nobody. To read what a machine trusts takes a client 50 ms of CPU."""
