-- Cases in triage to which no departments have been suggested yet, with the facts of their applications: kept for as long only.
CREATE TABLE triage_question (
    case_id  uuid PRIMARY KEY REFERENCES routed_case,
    asked_at timestamptz NOT NULL,
    facts    bytea NOT NULL  -- as JSON
);
CREATE INDEX triage_question_asked ON triage_question (asked_at, case_id);
