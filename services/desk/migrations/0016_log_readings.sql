-- Who read the access log, when: of which receipt number, or where that is null, the searches. No department's: the auditor reads across them.
CREATE TABLE log_reading (
    number  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at      timestamptz NOT NULL,
    staff   text NOT NULL,
    receipt text
);
