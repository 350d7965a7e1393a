-- Every move of a case between departments, triage among them, and why staff moved it: what suggestions are made from.
CREATE TABLE case_move (
    number          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    case_id         uuid NOT NULL REFERENCES routed_case,
    moved_at        timestamptz NOT NULL,
    from_department text NOT NULL,
    to_department   text NOT NULL,
    reason          text NOT NULL  -- a person's own words: for staff only
);
CREATE INDEX case_move_case ON case_move (case_id, number);
CREATE INDEX routed_case_opened ON routed_case (opened_at, case_id);
