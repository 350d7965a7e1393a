-- An event with sealed values is longer than the 2 KB at which PostgreSQL begins to move a value out of its row, in pieces with
-- an index of their own. A page holds three such rows as they are.
DO $$
DECLARE
    partition regclass;
BEGIN
    FOR partition IN SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = 'chassis.journal'::regclass LOOP
        EXECUTE format('ALTER TABLE %s SET (toast_tuple_target = 8160)', partition);
    END LOOP;
END $$;

CREATE OR REPLACE FUNCTION chassis.make_journal_partition(day date) RETURNS void LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    name text := 'journal_' || to_char(day, 'YYYYMMDD');
BEGIN
    IF to_regclass('chassis.' || name) IS NULL THEN
        EXECUTE format(
            'CREATE TABLE chassis.%I PARTITION OF chassis.journal FOR VALUES FROM (%L) TO (%L)'
            ' WITH (autovacuum_enabled = off, toast_tuple_target = 8160)',
            name, day::timestamp AT TIME ZONE 'UTC', (day + 1)::timestamp AT TIME ZONE 'UTC');
        EXECUTE format('ALTER TABLE chassis.%I ALTER COLUMN payload SET STORAGE EXTERNAL', name);
    END IF;
EXCEPTION
    WHEN duplicate_table THEN NULL;  -- another instance was quicker
    WHEN check_violation THEN NULL;  -- the default partition has rows of that day already, and goes on taking them
END $$;
