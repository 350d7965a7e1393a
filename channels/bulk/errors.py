"""What can go wrong with an import, each with words that say what to do.

BulkError
├── InvalidMapping     the mapping: file, key, what was expected
├── UnreadableFile     the file, or a column of it
└── KafkaAway          Kafka does not answer, or refuses
"""


class BulkError(Exception):
    """An import that cannot go on; `str` is written for the person who started it."""


class InvalidMapping(BulkError):
    """A mapping that does not exist or cannot be used."""


class UnreadableFile(BulkError):
    """A file that is not there, is not a CSV with a header row, lacks a column, or ends in the middle."""


class KafkaAway(BulkError):
    """Kafka did not answer for so long, or refuses so plainly, that somebody must look."""
