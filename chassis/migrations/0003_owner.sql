-- The service's role owns nothing: the two things it does to the journal's days are done for it, and only these, by functions
-- of the owner's. Their search_path is fixed, so that nobody's table or operator is taken for ours.
ALTER FUNCTION chassis.make_journal_partition(date) SECURITY DEFINER SET search_path = pg_catalog, pg_temp;

-- Drop the days before `before`, with the ticks that promised them; returns the names of the partitions. What was said since
-- yesterday is kept, whatever a service asks for.
CREATE FUNCTION chassis.drop_journal_partitions(before date) RETURNS SETOF text LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    oldest timestamptz := before::timestamp AT TIME ZONE 'UTC';
    name text;
BEGIN
    IF before > (now() AT TIME ZONE 'UTC')::date - 1 THEN
        RAISE insufficient_privilege USING MESSAGE = 'the journal keeps yesterday and today: ask for an earlier day';
    END IF;
    FOR name IN
        SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'chassis.journal'::regclass AND c.relname ~ '^journal_[0-9]{8}$'
          AND c.relname < 'journal_' || to_char(before, 'YYYYMMDD')
    LOOP
        EXECUTE format('DROP TABLE chassis.%I', name);
        RETURN NEXT name;
    END LOOP;
    DELETE FROM chassis.journal_default WHERE at < oldest;
    DELETE FROM chassis.tick WHERE opened_at < oldest AND number < (SELECT max(number) FROM chassis.tick);
END $$;
