-- Who looked at a case, when, why. Who changed it is in case_step; both together are the access log.
CREATE TABLE case_view (
    case_id    uuid NOT NULL,
    number     bigint GENERATED ALWAYS AS IDENTITY,
    at         timestamptz NOT NULL,
    department text NOT NULL,
    staff      text NOT NULL,
    purpose    text NOT NULL,
    PRIMARY KEY (case_id, number)
);
CREATE POLICY departments ON case_view USING (
    (CASE WHEN (SELECT current_setting('madoguchi.departments', true)) = '*' THEN true
          WHEN EXISTS (SELECT FROM case_item i WHERE i.case_id = case_view.case_id) THEN true END) IS NOT UNKNOWN
);
ALTER TABLE case_view ENABLE ROW LEVEL SECURITY;
