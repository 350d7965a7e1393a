-- What every batch begins with, in one round trip: move the watermarks, and say which keys are parked.
--
-- NULL when a watermark is not where the caller left it: another instance was here. The rows of parked keys stay locked, so
-- that no redrive finishes before the batch has lined up behind it.
CREATE FUNCTION chassis.enter(
    sources text[], topics text[], partitions int[], expected bigint[], reached bigint[], keys text[]
) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
    moved int;
BEGIN
    IF cardinality(partitions) > 0 THEN
        UPDATE chassis.lane l SET seen = x.reached
        FROM unnest(sources, topics, partitions, expected, reached) x(source, topic, partition, expected, reached)
        WHERE (l.source, l.topic, l.partition) = (x.source, x.topic, x.partition) AND l.seen = x.expected;
        GET DIAGNOSTICS moved = ROW_COUNT;
        IF moved <> cardinality(partitions) THEN
            RETURN NULL;
        END IF;
    END IF;
    RETURN ARRAY(SELECT k.key FROM chassis.parked_key k WHERE k.key = ANY(keys) FOR SHARE);
END $$;
DROP FUNCTION chassis.advance;
