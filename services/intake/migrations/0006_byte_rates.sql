-- Bytes a second that a system may publish on Kafka, where the administrator said so; NULL: what follows from `per_minute`. intake
-- itself has no use for it: the brokers keep it, and `madoguchi channel check` compares.
ALTER TABLE channel_system ADD COLUMN bytes_per_second int CHECK (bytes_per_second BETWEEN 1024 AND 1000000000);
