"""Random rows through the codec, some of them damaged, beside fastavro.

    python client/tests/fuzz_avro.py --rows 1000000 --seed 1

It ends on how many rows were read and how many differences were found, and with
status 1 if there were any. What `CHECKS` holds is done to each batch of rows.
"""

# ruff: noqa: T201  a program that tells what it found

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import pyarrow as pa

from client.tests.avro_oracle import (
    STRICTER,
    RefusedError,
    StrictReader,
    any_within,
    as_python,
    fastavro_reader,
    fastavro_writer,
    has_key_twice,
    is_nan,
    is_unusual,
    plain,
    prune,
)
from client.tests.avro_random import damage, random_schema, random_value
from nightmail.avro.decode import AvroDecoder, DecodedRows
from nightmail.avro.encode import AvroEncoder

MOST_SHOWN = 20
"""Differences that are printed; all are counted."""


@dataclass(frozen=True)
class Case:
    """Rows of one schema."""

    schema: dict[str, Any]
    values: list[bytes]
    random: Random


def random_case(seed: int) -> Case:
    """Make a schema and up to 300 values of it, a part of them damaged."""
    random = Random(seed)
    schema = random_schema(random)
    share = random.choice((0.0, 0.1, 0.5, 1.0))
    values = [random_value(random, schema) for _ in range(random.choice((1, 40, 300)))]
    values = [damage(random, v) if random.random() < share else v for v in values]
    return Case(schema, values, random)


def check_decoder(case: Case) -> Iterator[str]:
    """Compare with a strict reader bit for bit, and that one with fastavro."""
    expected = list(expect(case))
    yield from _disagreements(case, expected)
    decoder = AvroDecoder(case.schema)
    half = case.random.randint(0, len(case.values))
    halves = [slice(half), slice(half, None)]
    # The first is looked at when the second is decoded: its memory is not used again.
    decoded = [decoder.decode(case.values[part]) for part in halves]
    for part, found in zip(halves, decoded, strict=True):
        yield from differences(found, expected[part])


def check_projection(case: Case) -> Iterator[str]:
    """Compare some columns with what a strict reader has at their places."""
    names = list(_names(case.schema))
    if not names:
        return
    chosen = case.random.sample(names, case.random.randint(1, min(3, len(names))))
    expected = list(expect(case))
    decoder = AvroDecoder(case.schema, chosen)
    found = decoder.decode(case.values)
    bad = [row for row in found.bad if not isinstance(expected[row], RefusedError)]
    if bad:
        yield f"columns {chosen}: row {bad[0]} is bad: {found.bad[bad[0]]}"
    for row, value in zip(found.rows, _rows(found), strict=True):
        wanted = expected[row]
        if isinstance(wanted, RefusedError):
            continue
        if prune(wanted, found.batch.schema) != value:
            yield f"columns {chosen}, row {row}: {value}"


def check_encoder(case: Case) -> Iterator[str]:
    """Encode again what was decoded: the same bits, as fastavro writes them."""
    expected = list(expect(case))
    found = AvroDecoder(case.schema).decode(case.values)
    values = [expected[row] for row in found.rows]
    kept = [n for n, v in enumerate(values) if not any_within(v, has_key_twice)]
    batch = found.batch.take(pa.array(kept, pa.int64()))
    encoder = AvroEncoder(case.schema, batch.schema)
    read, write = StrictReader(case.schema).read, fastavro_writer(case.schema)
    for number, value in zip(kept, encoder.encode(batch), strict=True):
        wanted = values[number]
        if read(value) != wanted:
            yield f"{value.hex()} is written for {wanted}"
        elif any_within(wanted, is_nan) or any_within(wanted, is_unusual):
            continue  # neither would be written as it was
        elif value != write(as_python(wanted)):
            yield f"fastavro does not write {value.hex()} for {wanted}"


CHECKS = [check_decoder, check_projection, check_encoder]
"""Each takes a case and yields a sentence per difference."""


def expect(case: Case) -> Iterator[Any]:
    """Yield each row's value, or why it has none."""
    reader = StrictReader(case.schema)
    for value in case.values:
        try:
            yield reader.read(value)
        except RefusedError as error:
            yield error


def _disagreements(case: Case, expected: Sequence[Any]) -> Iterator[str]:
    """Tell where fastavro reads other rows than the strict reader."""
    read = fastavro_reader(case.schema)
    for row, (value, wanted) in enumerate(zip(case.values, expected, strict=True)):
        if isinstance(wanted, RefusedError) and str(wanted) in STRICTER:
            continue
        try:
            found = read(value)
        except Exception as error:  # noqa: BLE001  whatever fastavro makes of any bytes
            if not isinstance(wanted, RefusedError):
                yield f"row {row}: fastavro refuses what is right: {error!r}"
            continue
        if isinstance(wanted, RefusedError):
            yield f"row {row}: fastavro takes what is wrong: {wanted}"
        elif found != as_python(wanted):
            yield f"row {row}: fastavro reads {found}, and not {as_python(wanted)}"


def differences(found: DecodedRows, expected: Sequence[Any]) -> Iterator[str]:
    """Compare decoded rows with values, or with why there are none."""
    found.batch.validate(full=True)
    wrong = {row for row, v in enumerate(expected) if isinstance(v, RefusedError)}
    for row in wrong ^ set(found.bad):
        yield f"row {row}: {found.bad.get(row, 'good')}, expected {expected[row]!r}"
    if list(found.rows) != [r for r in range(len(expected)) if r not in found.bad]:
        yield f"rows: {found.rows}"
    for row, value in zip(found.rows, _rows(found), strict=True):
        if row not in wrong and value != expected[row]:
            yield f"row {row}: {value}, expected {expected[row]}"


def _rows(found: DecodedRows) -> list[Any]:
    return plain(found.batch.to_struct_array())


def _names(schema: Any, prefix: str = "") -> Iterator[str]:
    """Yield the names of columns, but of types that are known by name only."""
    if isinstance(schema, list):
        for branch in schema:
            yield from _names(branch, prefix)
    elif isinstance(schema, dict):
        for field in schema.get("fields", ()):
            name = f"{prefix}.{field['name']}".strip(".")
            yield name
            yield from _names(field["type"], name)
        yield from _names(schema.get("items", schema.get("values")), prefix)


def main() -> int:
    """Run until enough rows were read."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    rows = differences = 0
    seed = arguments.seed * 2**32
    while rows < arguments.rows:
        case = random_case(seed)
        for check in CHECKS:
            for difference in check(case):
                differences += 1
                if differences <= MOST_SHOWN:
                    print(f"case {seed}, {check.__name__}: {difference}", flush=True)
        rows += len(case.values)
        seed += 1
    print(f"figure: rows {rows}")
    print(f"figure: differences {differences}")
    return int(differences > 0)


if __name__ == "__main__":
    sys.exit(main())
