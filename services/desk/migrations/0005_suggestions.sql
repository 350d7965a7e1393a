-- Which departments routing suggests for a case in triage, and what speaks for each: shown to whoever triages, never applied.
CREATE TABLE suggestion (
    case_id uuid PRIMARY KEY,
    at      timestamptz NOT NULL,
    said    bytea NOT NULL  -- as JSON
);
