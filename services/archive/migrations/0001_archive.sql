-- Every event, its exact bytes.
CREATE TABLE event (
    subject text NOT NULL,
    id      text NOT NULL,
    type    text NOT NULL,
    time    timestamptz NOT NULL,
    kept_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    body    bytea NOT NULL
);
ALTER TABLE event ALTER COLUMN body SET STORAGE EXTERNAL;
CREATE INDEX event_subject ON event (subject);

-- Applications with a closed case whose record is not sealed yet: only their histories are ever looked at.
CREATE TABLE closing (
    subject text PRIMARY KEY,
    since   timestamptz NOT NULL
);

-- One sealed record per application. `body` is RFC 8785 JSON, `digest` its SHA-256.
CREATE TABLE record (
    number         bigint PRIMARY KEY,
    record_id      uuid NOT NULL UNIQUE,
    application_id uuid NOT NULL UNIQUE,
    receipt        text NOT NULL UNIQUE,
    sealed_at      timestamptz NOT NULL,
    previous       bytea NOT NULL,
    digest         bytea NOT NULL,
    body           bytea NOT NULL
);

-- The end of the chain. Its row is locked by whoever seals, so that numbers have no gap.
CREATE TABLE chain (
    number bigint NOT NULL,
    digest bytea NOT NULL
);
INSERT INTO chain VALUES (0, decode(repeat('00', 32), 'hex'));
