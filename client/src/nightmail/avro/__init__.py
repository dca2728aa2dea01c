"""Alerts as Avro: the schema of a file's columns, and rows as bytes.

Needs the extra `[arrow]`; reading alerts with `AlertConsumer` does not.
"""

try:
    import pyarrow  # noqa: F401, ICN001  only whether it is there
except ModuleNotFoundError as error:
    raise ImportError(
        "nightmail.avro needs pyarrow; install it by: pip install 'nightmail[arrow]'"
    ) from error

from nightmail.avro.decode import AvroDecoder, DecodedRows
from nightmail.avro.encode import AvroEncoder, EncodedRows, encode_batch
from nightmail.avro.schema import compact, derive_schema, fingerprint
from nightmail.avro.text import wire_batch

__all__ = [
    "AvroDecoder",
    "AvroEncoder",
    "DecodedRows",
    "EncodedRows",
    "compact",
    "derive_schema",
    "encode_batch",
    "fingerprint",
    "wire_batch",
]
