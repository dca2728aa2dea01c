"""The filters of the campaign, each written once for nightmail and once for DuckDB."""

from dataclasses import dataclass
from pathlib import Path

MODULE = "chaos_filters"
"""Module of the plug-in that offers them."""


@dataclass(frozen=True)
class Condition:
    """One filter: a comparison of one column of ZTF."""

    name: str
    column: str
    """Path of the column, as DuckDB writes it."""

    comparison: str
    """What pandas and DuckDB both understand."""

    @property
    def sql(self) -> str:
        """The condition as DuckDB evaluates it."""
        return f"{self.column} {self.comparison}"

    @property
    def python(self) -> str:
        """The filter as nightmail loads it."""
        flat = self.column.replace(".", "_")
        return (
            '@alert_filter(owner="chaos@example.org", survey="ztf")\n'
            f"def {self.name}({flat}):\n"
            f'    "Alerts with {self.sql}."\n'
            f"    return {flat} {self.comparison}\n"
        )


CONDITIONS = {
    one.name: one
    for one in (
        Condition("each", "candid", "> 0"),
        Condition("nothing", "candidate.magpsf", "< 0"),
        Condition("bright", "candidate.magpsf", "< 18"),
        Condition("faint", "candidate.magpsf", ">= 19"),
        Condition("green", "candidate.fid", "== 1"),
        Condition("north", "candidate.dec", "> 0"),
        Condition("west", "candidate.ra", "< 180"),
        Condition("likely", "candidate.rb", "> 0.7"),
    )
}
"""All of them by name: one keeps all, one nothing, the others some."""


def write_plugin(site: Path, *, edition: int, before: str = "") -> Path:
    """Write the package of filters, as pip would install it.

    Parameters
    ----------
    site
        Folder to put on Python's path; it is made.
    edition
        Another number is another version of every filter, which keeps the same.
    before
        Code that runs when the filters are loaded.
    """
    info = site / f"{MODULE}-1.{edition}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {MODULE}\nVersion: 1.{edition}\n"
    )
    points = "".join(f"{name} = {MODULE}:{name}\n" for name in CONDITIONS)
    (info / "entry_points.txt").write_text(f"[nightmail.filters]\n{points}")
    head = f"{before}\nfrom nightmail import alert_filter\n\n# Edition {edition}.\n"
    code = "\n".join(one.python for one in CONDITIONS.values())
    (site / f"{MODULE}.py").write_text(f"{head}\n{code}")
    return site
