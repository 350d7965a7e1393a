-- Of two rule sets approved for one instant the later approved decides. The order was that of their proposals, which are numbered;
-- what was approved before this release keeps it.
ALTER TABLE rule_set_life ADD COLUMN approved_at timestamptz;
DROP INDEX rule_set_life_term;
CREATE INDEX rule_set_life_term ON rule_set_life (in_force_from, approved_at NULLS FIRST, number)
    WHERE in_force_from IS NOT NULL AND state <> 'withdrawn';
