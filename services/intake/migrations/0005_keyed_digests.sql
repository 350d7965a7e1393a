-- The keys of the digests below, wrapped by a key of the edge's keyring: a dump holds neither it nor them.
CREATE TABLE digest_key (
    name    text PRIMARY KEY,  -- of the key-encryption key: edge-2026
    key     text NOT NULL,     -- the version of it that wrapped
    wrapped bytea NOT NULL
);

-- `digest` is HMAC-SHA-256, under the key of that name, of the SHA-256 of what was sent. NULL: that SHA-256 itself, as the release
-- before kept it; intake keys those while it runs, and finds them by the indexes, which are empty afterwards.
ALTER TABLE application ADD COLUMN digest_key text;
ALTER TABLE submission ADD COLUMN digest_key text;
ALTER TABLE contradiction ADD COLUMN digest_key text;
CREATE INDEX application_unkeyed ON application (digest) WHERE digest_key IS NULL;
CREATE INDEX submission_unkeyed ON submission (digest) WHERE digest_key IS NULL;
CREATE INDEX contradiction_unkeyed ON contradiction (digest) WHERE digest_key IS NULL;
