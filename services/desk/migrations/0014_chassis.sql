-- What the chassis keeps in this database holds the cases of all departments: the journal what was said of them, parked events what came.
-- No request of a member of staff has any business there but to append to the journal; so whoever speaks for some departments reads none of it.
--
-- Who says nothing sees it, other than in 0008: the relay says nothing, also that of the release before, which runs while this
-- migration is here already. One that is shown an empty journal would promise that there was nothing to publish, and lose it. A request that
-- has not said on whose behalf says `,`, which is no department. Asked for in the way that 0008 explains.
CREATE POLICY appended ON chassis.journal FOR INSERT WITH CHECK (true);
CREATE POLICY departments ON chassis.journal FOR SELECT USING (
    (CASE WHEN coalesce((SELECT current_setting('madoguchi.departments', true)), '') IN ('', '*') THEN true END) IS NOT UNKNOWN
);
ALTER TABLE chassis.journal ENABLE ROW LEVEL SECURITY;

CREATE POLICY departments ON chassis.parked_key USING (
    (CASE WHEN coalesce((SELECT current_setting('madoguchi.departments', true)), '') IN ('', '*') THEN true END) IS NOT UNKNOWN
);
ALTER TABLE chassis.parked_key ENABLE ROW LEVEL SECURITY;

CREATE POLICY departments ON chassis.parked_event USING (
    (CASE WHEN coalesce((SELECT current_setting('madoguchi.departments', true)), '') IN ('', '*') THEN true END) IS NOT UNKNOWN
);
ALTER TABLE chassis.parked_event ENABLE ROW LEVEL SECURITY;
