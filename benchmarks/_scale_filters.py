"""A hundred filters: the first keeps some alerts, the others a part of these each."""

from pathlib import Path

MODULE = "nightmail_scale_filters"
"""Name of the module that has them."""

FILTERS = 100

COLUMNS = (
    "candidate_magnr",
    "candidate_distnr",
    "candidate_fwhm",
    "candidate_elong",
    "candidate_scorr",
    "candidate_ra",
    "candidate_dec",
    "candidate_rb",
    "candidate_magap",
    "candidate_sigmapsf",
)
"""Columns that the filters read in turns, besides the two that decide."""

HEAD = '''\
"""Filters that are made for a measurement."""

from nightmail import alert_filter

'''

FILTER = '''
@alert_filter(owner="benchmarks@example.org", survey="ztf")
def {name}(candid, candidate_magpsf, {column}):
    """Keep bright alerts, and of these one in {share}."""
    bright = (candidate_magpsf < 17.0) & ({column} == {column})
    return bright & (candid % {share} == {number} % {share})

'''

SHARE = 1009
"""One in so many of the first filter's alerts is what another one keeps: a tenth more
records in all. The twenty filters of `night.py` have 6 % more records than alerts."""


def filter_names(count: int) -> list[str]:
    """Name the first filters."""
    return [f"s_{number:03d}" for number in range(count)]


def write_filters(site: Path) -> str:
    """Write the filters into a module, and give its name."""
    site.mkdir(parents=True, exist_ok=True)
    texts = [
        FILTER.format(
            name=name,
            column=COLUMNS[number % len(COLUMNS)],
            share=SHARE if number else 1,
            number=number,
        )
        for number, name in enumerate(filter_names(FILTERS))
    ]
    (site / f"{MODULE}.py").write_text(HEAD + "".join(texts))
    return MODULE
