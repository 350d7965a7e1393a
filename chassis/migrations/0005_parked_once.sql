-- A topic that was deleted and made anew counts its offsets from 0 again: another record at the place of a parked one was taken
-- for a repeat of it, and was lost. The digest tells them apart, and is of the headers too: a binary event has its id there.
UPDATE chassis.parked_event SET digest = sha256(value || coalesce((
    SELECT string_agg('\x00'::bytea || part, ''::bytea ORDER BY place)
    FROM unnest(headers) WITH ORDINALITY x (part, place)), ''::bytea));
ALTER TABLE chassis.parked_event DROP CONSTRAINT parked_event_topic_partition_offset_key;
ALTER TABLE chassis.parked_event ADD CONSTRAINT parked_event_once UNIQUE (topic, partition, "offset", digest);
