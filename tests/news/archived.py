"""Nights in an archive of a test's own, without Kafka and Spark."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from archive.kinds import MATCHES_SCHEMA
from archive.slices import NightFolder
from archive.summary import Partition, Summary, TopicSummary, write_summary
from filters import choose_filters, load_catalogue
from filters.classes import class_columns, classify
from nightmail import ColumnError, Filter
from nightmail.columns import flat_columns, narrow
from nightmail.evaluate import evaluate
from settings.names import ID_COLUMN, topic
from simulator import simulate_night
from tasks.summarise_night import day_obs
from tests.conftest import REAL_NIGHTS


def archive_real_night(
    root: Path, shared: Path, survey: str, night: str, *, also: Collection[str] = ()
) -> Summary:
    """Put what the filters keep of a real night into an archive, with its summary."""
    files = [shared / name for name in REAL_NIGHTS[survey, night]]
    return archive_night(root, files, survey, night, also=also)


def archive_simulated_night(
    root: Path, survey: str, night: str, *, alerts: int, also: Collection[str] = ()
) -> Summary:
    """Put what the filters keep of a simulated night into an archive."""
    store = root.parent / f"store of {survey}"
    simulate_night(store, survey=survey, night=night, alerts=alerts, seed=int(night))
    files = sorted((store / "science" / night).glob("*.parquet"))
    return archive_night(root, files, survey, night, also=also)


def archive_night(
    root: Path,
    files: Sequence[Path],
    survey: str,
    night: str,
    *,
    also: Collection[str] = (),
) -> Summary:
    """Put what the filters keep of some files into an archive, with its summary."""
    filters = [*choose_filters(load_catalogue(survey), also=also).values()]
    matches: list[dict[str, Any]] = []
    classes: dict[int, str] = {}
    seen: set[int] = set()
    alerts = 0
    folder = NightFolder(root, survey, night, "fink_")
    for number, file in enumerate(files):
        table = pq.read_table(file).combine_chunks()
        alerts += len(table)
        found = list(_matches(table, filters, survey, file.name, seen))
        wanted = sorted({row["row"] for row in found})
        slice_name = folder.name_slice(number, "0" * 8)
        with folder.writer(slice_name) as writer:
            for batch in table.take(wanted).to_batches():
                writer.write_alerts(batch)
            rows = [{k: v for k, v in row.items() if k != "row"} for row in found]
            writer.write_matches(
                pa.RecordBatch.from_pylist(rows, schema=MATCHES_SCHEMA)
            )
        folder.publish(slice_name)
        matches += rows
        classes |= {row["id"]: row["class"] for row in found}
    summary = _summary(survey, night, filters, matches, classes, alerts, len(files))
    write_summary(root, summary)
    return summary


def _matches(
    table: pa.Table, filters: list[Filter], survey: str, name: str, seen: set[int]
) -> Iterator[dict[str, Any]]:
    ids: list[Any] = table.column(ID_COLUMN[survey]).to_pylist()
    fresh = np.array([i not in seen and ids.index(i) == n for n, i in enumerate(ids)])
    seen.update(ids)
    there = [c for c in class_columns(survey) if c in flat_columns(table.schema)]
    labels = classify(survey, narrow(table, there)).to_pylist()
    for one in filters:
        try:
            batch = narrow(table, one.columns)
        except ColumnError:
            continue
        mask = evaluate([one], batch).masks[one.name] & fresh
        for row in np.flatnonzero(mask):
            yield {
                "id": ids[row],
                "filter": one.name,
                "topic": topic("fink_", one.name, survey),
                "class": labels[row],
                "generation": 0,
                "file": name,
                "row": int(row),
            }


def _summary(  # noqa: PLR0913, PLR0917 - all that it is made of
    survey: str,
    night: str,
    filters: list[Filter],
    matches: list[dict[str, Any]],
    classes: Mapping[int, str],
    alerts: int,
    files: int,
) -> Summary:
    topics = []
    for one in sorted(filters, key=lambda each: each.name):
        counts = Counter(str(m["class"]) for m in matches if m["filter"] == one.name)
        count = counts.total()
        place = Partition(
            partition=0, first_offset=0, last_offset=count - 1, count=count
        )
        topics.append(
            TopicSummary(
                topic=topic("fink_", one.name, survey),
                filter=one.name,
                summary=one.summary,
                owner=one.owner,
                kept=count,
                delivered=count,
                archived=count,
                set_aside=0,
                bytes=50_000 * count,
                seconds=0.1,
                classes=dict(sorted(counts.items())),
                partitions=(place,) if count else (),
            )
        )
    return Summary(
        survey=survey,
        night=night,
        day_obs=day_obs(night),
        status="complete",
        files=files,
        alerts=alerts,
        kept=len(classes),
        generation=0,
        classes=dict(sorted(Counter(classes.values()).items())),
        topics=tuple(topics),
    )
