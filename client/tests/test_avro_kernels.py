"""Kernels are compiled once, wherever the code comes from, and stay in their bounds."""

import ctypes
import json
import mmap
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import nightmail
from nightmail.avro import AvroEncoder, derive_schema

SOURCES = Path(nightmail.__file__).parent

PROGRAM = """
import json, sys
import pyarrow as pa
import nightmail
from nightmail.avro import AvroEncoder, derive_schema

columns = pa.schema([("x", pa.int32())])
batch = pa.RecordBatch.from_pylist([{"x": 1}, {"x": None}], columns)
rows = AvroEncoder(derive_schema(columns), columns).encode(batch)
assert rows == [b"\\x00\\x02", b"\\x02"], list(rows)

from nightmail.avro.kernels import encode, slots

stats = [f.stats for f in (slots.bind, slots.most_bytes, encode.put_rows)]
print(json.dumps({
    "code": nightmail.__file__,
    "kernels": encode.__file__,
    "found": sum(sum(s.cache_hits.values()) for s in stats),
    "compiled": sum(sum(s.cache_misses.values()) for s in stats),
}))
"""


def run(packed: Path, home: Path) -> Any:
    """Encode in a process whose code comes from a zip and whose caches are here."""
    settings = {"HOME": str(home), "PYTHONPATH": str(packed)}
    unwanted = ("XDG_CACHE_HOME", "NUMBA_CACHE_DIR")
    kept = {k: v for k, v in os.environ.items() if k not in unwanted}
    done = subprocess.run(
        [sys.executable, "-P", "-c", PROGRAM],
        env=kept | settings,
        cwd=packed.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    """Make a zip of the client, as Spark ships it."""
    path = tmp_path / "code.zip"
    with zipfile.ZipFile(path, "w") as into:
        for source in sorted(SOURCES.rglob("*.py")):
            into.write(source, source.relative_to(SOURCES.parent))
    return path


@pytest.mark.slow
def test_from_a_zip_kernels_are_compiled_once(packed: Path, tmp_path: Path) -> None:
    """The second process finds all that the first has compiled."""
    home = tmp_path / "home"
    home.mkdir()

    first, second = run(packed, home), run(packed, home)

    assert first["code"] == f"{packed}/nightmail/__init__.py"
    assert first["kernels"].startswith(f"{home}/.cache/nightmail/kernels/")
    assert (first["found"], first["compiled"]) == (0, 3)
    assert (second["found"], second["compiled"]) == (3, 0)


@pytest.mark.slow
def test_where_nothing_can_be_kept_kernels_are_compiled(packed: Path) -> None:
    """As for a user without a home; the rows are the same."""
    found = run(packed, Path("/dev/null"))

    assert found["kernels"] == f"{packed}/nightmail/avro/kernels/encode.py"
    assert found["found"] == 0


def at_the_end(buffer: Any) -> Any:
    """Put a buffer at the end of a page; what is behind it cannot be read."""
    if buffer is None:
        return None
    page, content = mmap.PAGESIZE, buffer.to_pybytes()
    room = (len(content) + page - 1) // page * page
    memory = mmap.mmap(-1, room + page)
    start = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    assert ctypes.CDLL(None).mprotect(ctypes.c_void_p(start + room), page, 0) == 0
    memory[room - len(content) : room] = content
    return pa.foreign_buffer(start + room - len(content), len(content), memory)


def guarded(array: Any) -> Any:
    """Put all buffers of an array at the ends of pages."""
    kind, count = array.type, len(array)
    buffers = [at_the_end(buffer) for buffer in array.buffers()]
    if pa.types.is_dictionary(kind):
        indices = pa.Array.from_buffers(kind.index_type, count, buffers)
        return pa.DictionaryArray.from_arrays(indices, guarded(array.dictionary))
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        items = guarded(array.values)
        return pa.Array.from_buffers(kind, count, buffers[:2], children=[items])
    try:
        return pa.Array.from_buffers(kind, count, buffers)
    except ValueError:
        if len(buffers) < 3 or "view" not in str(kind):
            raise
        pytest.skip("this pyarrow makes no views of buffers")


TEXTS = ["a", None, "seventeen letters", "é", "sixteen letters.", "b"]
NUMBERS = [1, None, 3, 127, 5]

ARRAYS = [
    *(pa.array(NUMBERS, kind) for kind in (pa.int8(), pa.int16(), pa.int32())),
    *(pa.array(NUMBERS, kind) for kind in (pa.int64(), pa.uint8(), pa.uint16())),
    *(pa.array(NUMBERS, kind) for kind in (pa.uint32(), pa.float32(), pa.float64())),
    pa.array([1.5, None, 2.5], pa.float32()).cast(pa.float16()),
    pa.array([True, None] * 8),
    pa.array([None] * 9, pa.string()),
    *(pa.array(TEXTS, k) for k in (pa.string(), pa.large_string(), pa.string_view())),
    *(pa.array(TEXTS, k) for k in (pa.binary(), pa.large_binary(), pa.binary_view())),
    pa.array([b"abc", None, b"def"], pa.binary(3)),
    pa.array(TEXTS).dictionary_encode(),
    pa.array([TEXTS, None, [], TEXTS]),
    pa.array([[NUMBERS], None], pa.large_list(pa.list_(pa.int32()))),
]


@pytest.mark.skipif(sys.platform != "linux", reason="guards pages by mprotect")
@pytest.mark.parametrize("array", ARRAYS, ids=lambda array: str(array.type))
def test_nothing_is_read_behind_a_buffer(array: Any) -> None:
    """The process would end; nor does what lies there change the rows."""
    batch = pa.RecordBatch.from_arrays([array], names=["x"])
    fenced = pa.RecordBatch.from_arrays([guarded(array)], names=["x"])
    encoder = AvroEncoder(derive_schema(batch.schema), batch.schema)

    found = encoder.encode(fenced)

    assert found == encoder.encode(batch)
