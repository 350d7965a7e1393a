"""Who is asking, by OpenID Connect: access tokens, sign-in, sessions, and what a role may do. Stands on the chassis.

`roles`, `permissions`, `principal`, `issuer` and `guard` know tokens and hold no secret: what a service needs that staff reach by
programs. `provider`, `signing_in`, `sessions` and `browsers` are for one that staff sign in to with a browser.
"""
