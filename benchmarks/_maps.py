"""Maps of alerts, in which the order of the entries means nothing."""

from collections.abc import Callable
from typing import Any


def map_sorter(schema: Any) -> Callable[[Any], Any] | None:
    """Make what sorts the entries of the maps in a record, at any depth.

    Parameters
    ----------
    schema
        Avro schema of the record.

    Returns
    -------
    callable or None
        Takes a record, and gives one with lists of entries for maps, which may be
        lists of entries before; None where the schema has no map.
    """
    sort: Callable[[Any], Any] | None
    if isinstance(schema, str):
        return None
    if isinstance(schema, list):
        [sort] = [map_sorter(member) for member in schema if member != "null"]
        return sort and (lambda value: None if value is None else sort(value))
    if schema["type"] == "map":
        return lambda value: sorted(dict(value).items())
    if schema["type"] == "array":
        each = map_sorter(schema["items"])
        return each and (lambda value: [each(item) for item in value])
    fields = {f["name"]: map_sorter(f["type"]) for f in schema.get("fields", ())}
    some = {name: sort for name, sort in fields.items() if sort}
    if not some:
        return None
    return lambda value: {**value, **{n: sort(value[n]) for n, sort in some.items()}}
