-- A department sees its own cases and what hangs on them: row-level security by the setting `madoguchi.departments` of the
-- transaction, codes separated by commas. The service itself, taking in cases for all, says * ; who says nothing sees nothing.
-- The setting is asked for in a subquery, which PostgreSQL evaluates once a statement and not once a row. It is asked
-- for as CASE … IS NOT UNKNOWN, which the planner takes to leave nearly all rows: of OR it believes that it leaves hardly one, and
-- then sorts a worklist instead of reading it from its index.
CREATE POLICY departments ON case_item USING (
    (CASE WHEN (SELECT current_setting('madoguchi.departments', true)) = '*' THEN true
          WHEN department = ANY ((SELECT string_to_array(current_setting('madoguchi.departments', true), ','))::text[]) THEN true END) IS NOT UNKNOWN
);
ALTER TABLE case_item ENABLE ROW LEVEL SECURITY;

-- What hangs on a case is seen by whoever sees the case: the subquery is under the policy above.
CREATE POLICY departments ON case_step USING (
    (CASE WHEN (SELECT current_setting('madoguchi.departments', true)) = '*' THEN true
          WHEN EXISTS (SELECT FROM case_item i WHERE i.case_id = case_step.case_id) THEN true END) IS NOT UNKNOWN
);
ALTER TABLE case_step ENABLE ROW LEVEL SECURITY;

CREATE POLICY departments ON suggestion USING (
    (CASE WHEN (SELECT current_setting('madoguchi.departments', true)) = '*' THEN true
          WHEN EXISTS (SELECT FROM case_item i WHERE i.case_id = suggestion.case_id) THEN true END) IS NOT UNKNOWN
);
ALTER TABLE suggestion ENABLE ROW LEVEL SECURITY;

-- What hangs on an application is seen by every department that has a case of it.
CREATE POLICY departments ON application USING (
    (CASE WHEN (SELECT current_setting('madoguchi.departments', true)) = '*' THEN true
          WHEN EXISTS (SELECT FROM case_item i WHERE i.application_id = application.application_id) THEN true END) IS NOT UNKNOWN
);
ALTER TABLE application ENABLE ROW LEVEL SECURITY;

CREATE POLICY departments ON correction USING (
    (CASE WHEN (SELECT current_setting('madoguchi.departments', true)) = '*' THEN true
          WHEN EXISTS (SELECT FROM case_item i WHERE i.application_id = correction.application_id) THEN true END) IS NOT UNKNOWN
);
ALTER TABLE correction ENABLE ROW LEVEL SECURITY;

CREATE POLICY departments ON search_term USING (
    (CASE WHEN (SELECT current_setting('madoguchi.departments', true)) = '*' THEN true
          WHEN EXISTS (SELECT FROM case_item i WHERE i.application_id = search_term.application_id) THEN true END) IS NOT UNKNOWN
);
ALTER TABLE search_term ENABLE ROW LEVEL SECURITY;
