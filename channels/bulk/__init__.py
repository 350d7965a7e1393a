"""A city's service requests in a CSV file, published as applications: the reference channel for RPA, AI-OCR and exports.

mapping   which column means what: data, one TOML file per city
files     a CSV file, plain or gzip, read as a stream
rows      one row -> one event; pure
publishing, importing   Kafka, and the whole of an import
sample    a small file of a fictional Kushiro
"""

from channels.bulk.errors import BulkError, InvalidMapping, KafkaAway, UnreadableFile
from channels.bulk.importing import Imported, import_file
from channels.bulk.mapping import Mapping, known_mappings, load_mapping
from channels.bulk.sample import write_sample

__all__ = [
    "BulkError",
    "Imported",
    "InvalidMapping",
    "KafkaAway",
    "Mapping",
    "UnreadableFile",
    "import_file",
    "known_mappings",
    "load_mapping",
    "write_sample",
]
