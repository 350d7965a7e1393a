-- What every service's database holds beside its own tables. See docs/delivery.md.

-- The system of record of what the service said. Never updated, never deleted row by row.
CREATE TABLE chassis.journal (
    id      bigint GENERATED ALWAYS AS IDENTITY,
    xid     xid8 NOT NULL DEFAULT pg_current_xact_id(),
    at      timestamptz NOT NULL DEFAULT now(),
    key     bytea NOT NULL,
    type    text NOT NULL,
    payload bytea NOT NULL
) PARTITION BY RANGE (at);
CREATE INDEX journal_xid ON chassis.journal (xid);
CREATE INDEX journal_id ON chassis.journal (id);
-- For rows of a day that has no partition: only a clock that is wrong by days puts one here.
CREATE TABLE chassis.journal_default PARTITION OF chassis.journal DEFAULT;

CREATE FUNCTION chassis.make_journal_partition(day date) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    name text := 'journal_' || to_char(day, 'YYYYMMDD');
BEGIN
    IF to_regclass('chassis.' || name) IS NULL THEN
        EXECUTE format(
            'CREATE TABLE chassis.%I PARTITION OF chassis.journal FOR VALUES FROM (%L) TO (%L) WITH (autovacuum_enabled = off)',
            name, day::timestamp AT TIME ZONE 'UTC', (day + 1)::timestamp AT TIME ZONE 'UTC');
        EXECUTE format('ALTER TABLE chassis.%I ALTER COLUMN payload SET STORAGE EXTERNAL', name);
    END IF;
EXCEPTION
    WHEN duplicate_table THEN NULL;  -- another instance was quicker
    WHEN check_violation THEN NULL;  -- the default partition has rows of that day already, and goes on taking them
END $$;

-- The relay's promises. The last row is its state; the primary key fences a relay that lost its lead.
CREATE TABLE chassis.tick (
    number    bigint PRIMARY KEY,
    opened_at timestamptz NOT NULL,  -- before `snapshot` was taken, the same for every page of a window
    previous  pg_snapshot NOT NULL,
    snapshot  pg_snapshot NOT NULL,
    after     bigint NOT NULL,
    upto      bigint NOT NULL,
    whole     boolean NOT NULL,
    before    bigint[] NOT NULL,
    counters  bigint[] NOT NULL
);
INSERT INTO chassis.tick (number, opened_at, previous, snapshot, after, upto, whole, before, counters)
VALUES (0, now(), pg_current_snapshot(), pg_current_snapshot(), 0, 0, true, '{}', '{}');

-- The watermark: the last number of a lane that this service has processed.
CREATE TABLE chassis.lane (
    source    text NOT NULL,
    topic     text NOT NULL,
    partition int NOT NULL,
    seen      bigint NOT NULL,
    PRIMARY KEY (source, topic, partition)
) WITH (fillfactor = 50);

CREATE FUNCTION chassis.advance(sources text[], topics text[], partitions int[], expected bigint[], reached bigint[])
RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    moved int;
BEGIN
    UPDATE chassis.lane l SET seen = x.reached
    FROM unnest(sources, topics, partitions, expected, reached) x(source, topic, partition, expected, reached)
    WHERE (l.source, l.topic, l.partition) = (x.source, x.topic, x.partition) AND l.seen = x.expected;
    GET DIAGNOSTICS moved = ROW_COUNT;
    RETURN moved = cardinality(partitions);
END $$;

-- One row per key that waits; later events of the key line up in parked_event.
CREATE TABLE chassis.parked_key (
    key   text PRIMARY KEY,
    since timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE chassis.parked_event (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key        text NOT NULL REFERENCES chassis.parked_key,
    parked_at  timestamptz NOT NULL DEFAULT now(),
    topic      text NOT NULL,
    partition  int NOT NULL,
    "offset"   bigint NOT NULL,
    number     bigint,
    headers    bytea[] NOT NULL,
    value      bytea NOT NULL,
    cause      text NOT NULL,
    digest     bytea NOT NULL,
    attempts   int NOT NULL DEFAULT 1,
    -- A record read twice before its offset was committed is parked once.
    UNIQUE (topic, partition, "offset")
);
CREATE INDEX parked_event_key ON chassis.parked_event (key, id);
CREATE TABLE chassis.redrive (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at         timestamptz NOT NULL DEFAULT now(),
    by         text NOT NULL,
    key        text NOT NULL,
    handled    int NOT NULL,
    left_over  int NOT NULL,
    cause      text
);
