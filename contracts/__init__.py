"""What services and vendors agree on: the envelope, the events, the topics. Needs only pydantic."""
