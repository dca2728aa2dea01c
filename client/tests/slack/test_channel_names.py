"""A class has one channel, every night, and no other class has it."""

from collections import Counter
from pathlib import Path

import pytest

from nightmail.slack.channel_names import channel_of, is_classified

HERE = Path(__file__).parent

SHARED = Path(__file__).parents[4] / "shared" / "data"
"""Real alerts, beside the checkout."""

OTYPE = "simbad_otype"

SHORT = (HERE / "simbad_short.txt").read_text().split()
"""Short types of SIMBAD, old ones and candidates too, as LSST's alerts carry them."""

LONG = (HERE / "simbad_long.txt").read_text().split()
"""Long types of SIMBAD, as ZTF's alerts carry them."""


@pytest.mark.parametrize(
    ("class_name", "channel"),
    [
        ("RRLyr", "rrlyr"),
        ("EB*WUMa", "ebwuma"),
        ("Sy1", "sy1"),
        ("Sy2", "sy2"),
        ("*", "star"),
        ("**", "starstar"),
        ("RR*", "rrstar"),
        ("RR?", "rr-candidate"),
        ("s?b", "s-candidate-b"),
        ("Candidate_TTau*", "candidatettau"),
        ("SN candidate", "sncandidate"),
        ("Solar System MPC", "solarsystemmpc"),
        ("low-mass*", "lowmass"),
        ("δ Sct", "δsct"),
        ("!!", "other"),
        ("<!channel>", "channel"),
        ("x" * 99, "x" * 80),
    ],
)
def test_channel_of(class_name: str, channel: str) -> None:
    """The manual's names, and those of the classes that its rule would confuse."""
    assert channel_of(class_name) == channel


@pytest.mark.parametrize("classes", [SHORT, LONG], ids=["short", "long"])
def test_no_two_types_of_simbad_share_a_channel(classes: list[str]) -> None:
    """Each has its own, where the manual's rule has one for many."""
    ours = Counter(map(channel_of, set(classes)))
    manuals = Counter(
        "".join(filter(str.isalpha, name)).lower() for name in set(classes)
    )

    assert [name for name, number in ours.items() if number > 1] == []
    assert max(manuals.values()) > 1 or classes is LONG


def test_classes_of_real_alerts_have_their_own() -> None:
    """So it is with every class in the surveys' own samples."""
    parquet = pytest.importorskip("pyarrow.parquet")
    files = sorted(SHARED.glob("**/*.parquet"))
    if not files:
        pytest.skip("The real alerts (../shared/data) are not here.")
    classes: set[str] = set()

    for file in files:
        schema = parquet.read_schema(file)
        names = {"cdsxmatch", "finkclass"} & set(schema.names)
        if "xm" in schema.names and schema.field("xm").type.get_field_index(OTYPE) >= 0:
            names.add(f"xm.{OTYPE}")
        for column in parquet.read_table(file, columns=sorted(names)).columns:
            flat = column.combine_chunks()
            flat = flat.field(OTYPE) if hasattr(flat, "field") else flat
            classes |= set(filter(is_classified, flat.to_pylist()))

    assert len(classes) > 10
    assert len(set(map(channel_of, classes))) == len(classes)


@pytest.mark.parametrize(
    "class_name",
    [None, float("nan"), "", " ", "Unknown", "Fail", "Fail 504", "nan", "None", "?", 7],
)
def test_what_is_no_class(class_name: object) -> None:
    """Nulls, what is unknown, and where the cross-match got no answer."""
    assert not is_classified(class_name)


@pytest.mark.parametrize("class_name", ["RRLyr", "*", "Transient", "Q?", "X"])
def test_what_is_a_class(class_name: str) -> None:
    """Everything else is."""
    assert is_classified(class_name)
