"""Object, position and class of alerts, out of pandas, Arrow or Spark."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from nightmail._errors import ColumnError

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    from pyspark.sql import DataFrame

    Alerts: TypeAlias = pd.DataFrame | pa.Table | pa.RecordBatch | DataFrame

__all__ = ["AlertRows", "read_rows"]

OBJECTS = (
    *("objectId", "diaObjectId", "diaSource.diaObjectId", "diaObject.diaObjectId"),
)
"""Names of the object's column; the first that is there is taken."""

POSITIONS = (
    ("candidate_ra", "candidate_dec"),
    ("candidate.ra", "candidate.dec"),
    ("diaSource.ra", "diaSource.dec"),
    ("ra", "dec"),
    ("diaObject.ra", "diaObject.dec"),
)
"""Names of the columns of right ascension and declination [deg, ICRS]."""

CLASSES = (
    *("cross_match_alerts_per_batch", "cdsxmatch", "finkclass"),
    *("xm.simbad_otype", "simbad_otype"),
)
"""Names of the class's column, Fink's old ones first."""

Path = tuple[str, ...]


@dataclass(frozen=True)
class AlertRows:
    """What is posted of alerts."""

    names: tuple[str, ...]
    """Of object, right ascension, declination and class, as the alerts have them."""

    rows: list[tuple[Any, ...]]
    """Values of the four; None is null."""


def read_rows(alerts: "Alerts", class_column: str | None = None) -> AlertRows:
    """Read the four columns that are posted, in the order of the alerts.

    Parameters
    ----------
    alerts
        A DataFrame of pandas or Spark, or a table or batch of Arrow; nested, or flat
        with names joined by `.` or `_`. Spark runs one job.
    class_column
        Column of the class; without it, the first of `CLASSES` that is there.

    Returns
    -------
    AlertRows
        Of Spark, without the rows whose class is null.

    Raises
    ------
    ColumnError
        A column is missing; it says which names are known.
    TypeError
        The alerts are of another kind.
    """
    module = type(alerts).__module__.partition(".")[0]
    readers: dict[str, Callable[[Any, str | None], AlertRows]] = {
        "pandas": _from_pandas,
        "pyarrow": _from_arrow,
        "pyspark": _from_spark,
    }
    if module not in readers:
        raise TypeError(
            f"send_slack_alerts takes a DataFrame of pandas or Spark, or Arrow's table"
            f" or batch, not {type(alerts).__name__}."
        )
    return readers[module](alerts, class_column)


def _from_pandas(alerts: "pd.DataFrame", class_column: str | None) -> AlertRows:
    nested = [name for name in _tops(class_column) if name in alerts.columns]
    fields: dict[str, list[str]] = {str(name): [] for name in alerts.columns}
    for name in nested:
        values = (v for v in alerts[name] if isinstance(v, Mapping))
        fields[name] = list(next(values, {}))
    paths = _choose(fields, class_column)
    columns = [_pandas_column(alerts[path[0]], path[1:]) for path in paths]
    return _rows(paths, columns)


def _pandas_column(column: "pd.Series[Any]", below: Path) -> list[Any]:
    values = column.astype(object).where(column.notna(), None).tolist()
    for name in below:
        values = [v.get(name) if isinstance(v, Mapping) else None for v in values]
    return values


def _from_arrow(
    alerts: "pa.Table | pa.RecordBatch", class_column: str | None
) -> AlertRows:
    from nightmail.columns import pick  # noqa: PLC0415  it imports pyarrow

    fields = {
        field.name: [field.type.field(i).name for i in range(field.type.num_fields)]
        if str(field.type).startswith("struct")
        else []
        for field in alerts.schema
    }
    paths = _choose(fields, class_column)
    columns = [pick(alerts.column(path[0]), path[1:]).to_pylist() for path in paths]
    return _rows(paths, columns)


def _from_spark(alerts: "DataFrame", class_column: str | None) -> AlertRows:
    from pyspark.sql import functions  # noqa: PLC0415  the argument is Spark's

    fields = {
        field.name: list(getattr(field.dataType, "names", None) or [])
        for field in alerts.schema.fields
    }
    paths = _choose(fields, class_column)
    quoted = [".".join(f"`{name}`" for name in path) for path in paths]
    columns = [functions.col(q).alias(f"c{i}") for i, q in enumerate(quoted)]
    classified = functions.col(quoted[-1]).isNotNull()
    rows = alerts.where(classified).select(*columns).collect()
    return AlertRows(_shown(paths), [tuple(row) for row in rows])


def _tops(class_column: str | None) -> set[str]:
    """Names of the columns that may have fields of ours."""
    known = [*OBJECTS, *CLASSES, *(name for pair in POSITIONS for name in pair)]
    asked = [class_column] if class_column else []
    return {name.partition(".")[0] for name in [*known, *asked] if "." in name}


def _rows(paths: Sequence[Path], columns: Sequence[list[Any]]) -> AlertRows:
    return AlertRows(_shown(paths), list(zip(*columns, strict=True)))


def _shown(paths: Iterable[Path]) -> tuple[str, ...]:
    return tuple(".".join(path) for path in paths)


def _choose(
    fields: Mapping[str, Sequence[str]], class_column: str | None
) -> list[Path]:
    """Paths of the four columns, out of columns and the fields they have."""
    known: dict[str, Path] = {name: (name,) for name in fields}
    for name, below in fields.items():
        known |= {f"{name}.{each}": (name, each) for each in below}
        known |= {f"{name}_{each}": (name, each) for each in below}
    classes = (class_column,) if class_column else CLASSES
    object_ = _first(known, [(name,) for name in OBJECTS], "the object")
    position = _first(known, POSITIONS, "the position")
    class_ = _first(known, [(name,) for name in classes], "the class")
    return [*object_, *position, *class_]


def _first(
    known: Mapping[str, Path], choices: Sequence[Sequence[str]], what: str
) -> list[Path]:
    for names in choices:
        spelled = [(name, name.replace(".", "_")) for name in names]
        found = [known.get(dotted) or known.get(flat) for dotted, flat in spelled]
        if all(found):
            return [path for path in found if path]
    listed = ", ".join(" and ".join(names) for names in choices)
    raise ColumnError(f"The alerts have no column of {what}; known: {listed}.")
