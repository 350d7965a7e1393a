-- A rule set is the files of a city pack that decide, as JSON {path: base64}. What was kept before is a pack of two files,
-- which this release keeps for the decisions that name it and decides no more by: the pack that comes with it takes over.
ALTER TABLE rule_set ADD COLUMN files jsonb;
UPDATE rule_set SET files = jsonb_build_object(
    'rules/routing.csv', encode(convert_to(content, 'UTF8'), 'base64'),
    'departments.csv', encode(convert_to(departments, 'UTF8'), 'base64'));
ALTER TABLE rule_set ALTER COLUMN files SET NOT NULL, DROP COLUMN name, DROP COLUMN content, DROP COLUMN departments;

-- The life of a rule set, from proposal to supersession. Content that comes back later lives again.
CREATE TABLE rule_set_life (
    number        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    hash          text NOT NULL REFERENCES rule_set,
    state         text NOT NULL CHECK (state IN (
                      'candidate', 'checked', 'back-tested', 'approved', 'in-force', 'superseded', 'withdrawn')),
    proposed_by   text NOT NULL,
    proposed_at   timestamptz NOT NULL,
    note          text NOT NULL,
    findings      bytea NOT NULL,  -- as JSON: what the check found
    proven_from   timestamptz,     -- from when the check looked ahead
    approved_by   text CHECK (lower(approved_by) <> lower(proposed_by)),
    in_force_from timestamptz CHECK (in_force_from IS NOT NULL OR state NOT IN ('approved', 'in-force', 'superseded'))
);
CREATE UNIQUE INDEX rule_set_life_one ON rule_set_life (hash) WHERE state NOT IN ('candidate', 'superseded', 'withdrawn');
CREATE UNIQUE INDEX rule_set_life_in_force ON rule_set_life ((true)) WHERE state = 'in-force';
CREATE INDEX rule_set_life_term ON rule_set_life (in_force_from, number) WHERE in_force_from IS NOT NULL AND state <> 'withdrawn';

INSERT INTO rule_set_life (hash, state, proposed_by, proposed_at, note, findings, in_force_from)
SELECT hash, 'withdrawn', 'installation', since, 'of a release that read other packs', '[]', since
FROM in_force ORDER BY number;
DROP TABLE in_force;
