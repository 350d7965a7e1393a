"""What the processes stand on: two databases, a Kafka, a clock that counts steps, and one source of chance."""
