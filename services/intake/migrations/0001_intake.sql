CREATE SEQUENCE receipt_sequence CACHE 1;

CREATE TABLE application (
    application_id uuid PRIMARY KEY,
    receipt        text NOT NULL UNIQUE,
    source         text NOT NULL,
    digest         bytea NOT NULL,
    received_at    timestamptz NOT NULL,
    procedure      text NOT NULL,
    channel        text NOT NULL,
    state          text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'withdrawn', 'closed'))
);

-- One row per submission a channel has sent, for the life of the case: CloudEvents promises that source + id is unique.
CREATE TABLE submission (
    source         text NOT NULL,
    id             text NOT NULL,
    digest         bytea NOT NULL,
    received_at    timestamptz NOT NULL,
    application_id uuid,
    outcome        text NOT NULL CHECK (outcome IN ('accepted', 'repeated', 'rejected')),
    fault          text,
    PRIMARY KEY (source, id)
);

-- An id that came again with another content: refused once per content, however often it is delivered.
CREATE TABLE contradiction (
    source      text NOT NULL,
    id          text NOT NULL,
    digest      bytea NOT NULL,
    received_at timestamptz NOT NULL,
    PRIMARY KEY (source, id, digest)
);

-- What a citizen sees of the way of an application.
CREATE TABLE progress (
    application_id uuid NOT NULL,
    at             timestamptz NOT NULL,
    type           text NOT NULL,
    department     text,
    due_on         date
);
CREATE INDEX progress_application ON progress (application_id);
