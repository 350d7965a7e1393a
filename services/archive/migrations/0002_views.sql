-- Who read a record, when, why. Nothing here is ever changed or deleted by the service.
CREATE TABLE record_view (
    record  bigint NOT NULL,
    number  bigint GENERATED ALWAYS AS IDENTITY,
    at      timestamptz NOT NULL,
    staff   text NOT NULL,
    purpose text NOT NULL,
    PRIMARY KEY (record, number)
);
