-- What moves the statutory clocks of cases, as it was said. It comes from two topics and hence in any order: where a clock
-- stands is counted from all of it, never from the row before.
CREATE TABLE clock_event (
    application_id uuid NOT NULL,
    case_id        uuid,             -- NULL: a correction, which concerns every case of the application
    kind           text NOT NULL CHECK (kind IN ('correction-requested', 'correction-accepted', 'extended', 'stage-ended')),
    at             timestamptz NOT NULL,
    day            date,             -- the new last day of an extension, or that on which the stage ended
    stage          text NOT NULL,    -- '' where it is about none
    left_out       text,             -- why it did not count when it came: without anybody's data
    told           boolean NOT NULL, -- whether that was logged
    UNIQUE NULLS NOT DISTINCT (application_id, case_id, kind, at, day, stage)
);
CREATE INDEX clock_event_untold ON clock_event (at) WHERE NOT told;
CREATE INDEX routed_case_application ON routed_case (application_id);
