"""The encoder writes what fastavro writes, whatever the types and the layout."""

import io
from typing import Any

import fastavro
import numpy as np
from hypothesis import HealthCheck, given, settings

from client.tests.avro_batches import Drawn, batches
from nightmail.avro import AvroEncoder

# Here too since it compiles, which takes minutes where hypothesis traces it.
from nightmail.avro.kernels.encode import SLACK


def written(schema: Any, rows: list[Any]) -> list[bytes]:
    """Encode rows by fastavro."""
    parsed, found = fastavro.parse_schema(schema), []
    for row in rows:
        buffer = io.BytesIO()
        fastavro.schemaless_writer(buffer, parsed, row)
        found.append(buffer.getvalue())
    return found


many = settings(
    deadline=None,
    max_examples=100,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@many
@given(drawn=batches())
def test_any_batch_is_written_as_fastavro_writes_it(drawn: Drawn) -> None:
    """Types of any depth, fields by name, slices of slices: byte for byte the same."""
    encoder = AvroEncoder(drawn.schema, drawn.batch.schema)

    found = encoder.encode(drawn.batch)

    assert list(found) == written(drawn.schema, drawn.rows)


@many
@given(drawn=batches())
def test_no_row_is_longer_than_its_bound(drawn: Drawn) -> None:
    """Nor is anything written behind it, by values that are cut."""
    bound = AvroEncoder(drawn.schema, drawn.batch.schema)._bind(drawn.batch)

    for row in range(drawn.batch.num_rows):
        most = bound.most_bytes(row, row + 1)
        buffer = np.full(most + 4096, 0xAA, np.uint8)
        length = np.zeros(1, np.int64)
        bound.put_rows(buffer, 0, length, row)

        assert length[0] <= most - SLACK
        assert (buffer[most:] == 0xAA).all()
