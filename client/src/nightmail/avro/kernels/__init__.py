"""Kernels: what is compiled to machine code, and kept compiled for the next process.

numba keeps what it has compiled beside the source, or in the user's cache. From a zip,
as Spark ships our code, it would compile anew in every process of every job; so there
the sources are unpacked to a folder named after their content first, and found there
again. Where nothing may be written, the kernels are compiled for the process alone.
"""

import contextlib
import hashlib
import os
import pkgutil
import tempfile
import zipimport
from pathlib import Path


def _unpack(loader: zipimport.zipimporter, inside: str) -> str:
    """Copy this package's sources out of its zip, and give their folder."""
    names = ["__init__.py", *(f"{m.name}.py" for m in pkgutil.iter_modules([inside]))]
    sources = {name: loader.get_data(os.path.join(inside, name)) for name in names}  # noqa: PTH118
    digest = hashlib.sha256(b"\0".join(sources.values())).hexdigest()[:16]
    folder = _cache_root() / digest
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as name:
            made = Path(name) / digest
            made.mkdir()
            for file, source in sources.items():
                (made / file).write_bytes(source)
            try:
                made.rename(folder)
            except OSError:
                if not folder.is_dir():  # another process was not first
                    raise
    return str(folder)


def _cache_root() -> Path:
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "nightmail" / "kernels"


if isinstance(__spec__.loader, zipimport.zipimporter):
    # There may be no home, or nothing may be written there.
    with contextlib.suppress(OSError, RuntimeError):
        __path__ = [_unpack(__spec__.loader, __path__[0])]
