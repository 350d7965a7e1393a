-- A switch that waits for its second person can be taken back, by whoever says why: the row is kept, and another may be asked for.
ALTER TABLE overlay_switch
    ADD COLUMN withdrawn_by   text,
    ADD COLUMN withdrawn_at   timestamptz CHECK ((withdrawn_at IS NULL) = (withdrawn_by IS NULL)),
    ADD COLUMN withdrawn_note text        CHECK ((withdrawn_note IS NULL) = (withdrawn_by IS NULL)),
    ADD CONSTRAINT overlay_switch_one_end CHECK (withdrawn_by IS NULL OR confirmed_by IS NULL);
DROP INDEX overlay_switch_waiting;
CREATE UNIQUE INDEX overlay_switch_waiting ON overlay_switch (overlay) WHERE confirmed_by IS NULL AND withdrawn_by IS NULL;
