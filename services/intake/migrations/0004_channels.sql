-- A channel system that may speak to intake over HTTP: what it may name, and how fast. Made and changed by the administrator
-- alone (`madoguchi channel`): the service, taken over, can let nobody in.
CREATE TABLE channel_system (
    name       text PRIMARY KEY CHECK (name ~ '^[a-z][a-z0-9-]{2,40}$'),
    channels   text[] NOT NULL CHECK (cardinality(channels) > 0),
    procedures text[] NOT NULL CHECK (cardinality(procedures) > 0),
    per_minute int NOT NULL CHECK (per_minute BETWEEN 1 AND 1000000),
    burst      int NOT NULL CHECK (burst BETWEEN 1 AND 1000000),
    added_at   timestamptz NOT NULL,
    removed_at timestamptz
);

-- A source is one system's for ever: whoever had it after another would read the other's applications.
CREATE TABLE channel_source (
    source text PRIMARY KEY,
    system text NOT NULL REFERENCES channel_system
);

-- `digest` is SHA-256 of 256 random bits: nothing to guess, so nothing that a slow hash would slow down but each request.
CREATE TABLE channel_key (
    prefix     text PRIMARY KEY CHECK (prefix ~ '^[a-z0-9]{10}$'),
    system     text NOT NULL REFERENCES channel_system,
    digest     bytea NOT NULL CHECK (length(digest) = 32),
    made_at    timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz
);
CREATE INDEX channel_key_system ON channel_key (system);
