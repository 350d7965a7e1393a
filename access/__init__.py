"""Who is asking, by OpenID Connect: sign-in, sessions, bearer tokens, and what a role may do. Stands on the chassis."""
