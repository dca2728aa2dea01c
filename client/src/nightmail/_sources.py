"""A digest of the source that a filter is made of."""

import ast
import hashlib
import importlib.util
from collections.abc import Iterator
from functools import lru_cache
from importlib.machinery import ModuleSpec

__all__ = ["digest_sources"]

MODULES = 1024
"""Sources of which it is remembered what they import."""


def digest_sources(module: str) -> str:
    """Digest a module and what it imports of its own package.

    Thresholds and shared lists live in the modules beside a filter, so that a change
    in one of them is a new version of every filter that uses it.

    Parameters
    ----------
    module
        Name of the module, of which the parents are imported already. It may stand in
        a zip.

    Returns
    -------
    str
        Eight hexadecimal digits of the sha256 over the source text of the module and
        of all modules of the same top-level package that it imports, at any remove.
    """
    sources: dict[str, str] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        spec = None if name in sources else _find(name)
        if spec:
            sources[name] = _read(spec)
            top = name.partition(".")[0]
            found = _imported(sources[name], spec.parent or "")
            waiting += [n for n in found if n.partition(".")[0] == top]
    text = "\0".join(f"{name}\0{sources[name]}" for name in sorted(sources))
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def _find(name: str) -> ModuleSpec | None:
    """Find a module; None where the name is one of a module's contents."""
    try:
        return importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return None


def _read(spec: ModuleSpec) -> str:
    get_source = getattr(spec.loader, "get_source", None)
    return (get_source(spec.name) if get_source else None) or ""


@lru_cache(maxsize=MODULES)
def _imported(source: str, package: str) -> tuple[str, ...]:
    """Name all modules that a source may import; to parse it takes milliseconds."""
    return tuple(_imports(source, package))


def _imports(source: str, package: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            dots = "." * node.level + (node.module or "")
            base = importlib.util.resolve_name(dots, package) if node.level else dots
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)
