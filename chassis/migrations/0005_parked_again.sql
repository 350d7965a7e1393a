-- A topic that was deleted and made again, as that of a channel system is, counts from nought again: what stood at an offset and what stands
-- there now are two records. One that is read twice has the same digest, and is parked once.
ALTER TABLE chassis.parked_event DROP CONSTRAINT parked_event_topic_partition_offset_key,
    ADD UNIQUE (topic, partition, "offset", digest);
