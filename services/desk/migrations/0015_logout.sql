-- Whom and which session at the provider a browser's session goes back to, so that the provider can end it (Back-Channel Logout). Null for one
-- that began before this migration, or by an instance of the release before: those end by time, as they did.
ALTER TABLE staff_session ADD COLUMN subject text, ADD COLUMN provider_session text;

-- Logout tokens that have come, by SHA-256 of their `jti`: none is good twice. Kept for minutes, as an old token is refused by its age.
CREATE TABLE logout_seen (
    digest bytea PRIMARY KEY,
    at     timestamptz NOT NULL
);
