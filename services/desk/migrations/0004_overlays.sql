-- What happened to the rules for disasters, by which cases come to departments while they are on.
CREATE TABLE overlay_step (
    overlay text NOT NULL,
    number  bigint GENERATED ALWAYS AS IDENTITY,
    at      timestamptz NOT NULL,
    what    text NOT NULL,
    turn    text NOT NULL CHECK (turn IN ('on', 'off')),
    since   timestamptz CHECK (since IS NOT NULL OR what = 'switch-withdrawn'),
    staff   text NOT NULL,
    said    bytea NOT NULL,  -- as JSON
    PRIMARY KEY (overlay, number)
);

-- The queue of the department in which the case waits, and the overlays under which it was decided.
ALTER TABLE case_item
    ADD COLUMN queue    text,
    ADD COLUMN overlays text[];
CREATE INDEX case_item_queue ON case_item (department, queue, due_on, case_id) WHERE state <> 'closed' AND queue IS NOT NULL;
CREATE INDEX case_item_closed_queue ON case_item (department, queue, due_on, case_id)
    WHERE state = 'closed' AND queue IS NOT NULL;
