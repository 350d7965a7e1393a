-- Who read the log of who read a record, when. Nothing here is ever changed or deleted by the service.
CREATE TABLE log_reading (
    number  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at      timestamptz NOT NULL,
    staff   text NOT NULL,
    receipt text NOT NULL
);
