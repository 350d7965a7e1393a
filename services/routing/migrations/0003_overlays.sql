-- Switches of disaster overlays, asked for by one person and confirmed by another. One at a time waits for an overlay.
CREATE TABLE overlay_switch (
    number       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    overlay      text NOT NULL,
    turn         text NOT NULL CHECK (turn IN ('on', 'off')),
    requested_by text NOT NULL,
    requested_at timestamptz NOT NULL,
    reason       text NOT NULL,
    since        timestamptz NOT NULL,
    confirmed_by text CHECK (lower(confirmed_by) <> lower(requested_by))
);
CREATE UNIQUE INDEX overlay_switch_waiting ON overlay_switch (overlay) WHERE confirmed_by IS NULL;
CREATE INDEX overlay_switch_confirmed ON overlay_switch (since, number) WHERE confirmed_by IS NOT NULL;

-- Why a case went to triage, where it did: what a decision leaves open is then not taken for decided.
ALTER TABLE routed_case ADD COLUMN cause text;
