"""`nightmail view` draws an alert of either survey, with a screen or without."""

import builtins
import gzip
import json
import math
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import fastavro
import pytest
from click.testing import CliRunner

from nightmail import AlertError
from nightmail.commands.view import view
from nightmail.picture.fits import Image, cutouts, read_image
from nightmail.picture.light_curve import Point, light_curve
from nightmail.picture.text import draw_cutouts, draw_light_curve


def fits(*pixels: float, width: int = 2, **more: str) -> bytes:
    """Make a FITS file as the surveys send it."""
    cards = {
        "SIMPLE": "T",
        "BITPIX": "-32",
        "NAXIS": "2",
        "NAXIS1": str(width),
        "NAXIS2": str(len(pixels) // width),
        **more,
    }
    lines = [
        f"{name:<8}= {value:>20} / {name}".ljust(80) for name, value in cards.items()
    ]
    header = "".join([*lines, "END".ljust(80)]).encode()
    body = struct.pack(f">{len(pixels)}f", *pixels)
    return b"".join(
        part.ljust(-(-len(part) // 2880) * 2880, b" ") for part in (header, body)
    )


ZTF = {
    "objectId": "ZTF1",
    "candid": 7,
    "candidate": {"jd": 2460000.5, "magpsf": 17.5, "sigmapsf": 0.1, "fid": 1},
    "prv_candidates": [
        {"jd": 2459999.5, "magpsf": None, "diffmaglim": 20.0, "fid": 2},
        {"jd": 2459998.5, "magpsf": None, "diffmaglim": None, "fid": 2},
        None,
    ],
    "cutoutScience": {"stampData": gzip.compress(fits(0.0, 1.0, 2.0, 3.0))},
    "cutoutTemplate": None,
    "cutoutDifference": {"stampData": b"no picture"},
}
"""With what real alerts have too: limits, nulls, a cutout that is damaged."""

LSST = {
    "diaSourceId": 5,
    "diaObject": {"diaObjectId": 6},
    "diaSource": {
        "midpointMjdTai": 61000.0,
        "psfFlux": -5.0,
        "psfFluxErr": 1.0,
        "band": "y",
    },
    "prvDiaSources": None,
    "prvDiaForcedSources": [
        {"midpointMjdTai": 60999.0, "psfFlux": 2.0, "psfFluxErr": None, "band": "u"}
    ],
}


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """Save an alert, as `consume --save` does."""
    nullable: Any = ["null", "double"]
    row = {
        "type": "record",
        "name": "row",
        "fields": [
            {"name": "jd", "type": "double"},
            {"name": "magpsf", "type": nullable},
            {"name": "fid", "type": "int"},
        ],
    }
    schema = {
        "type": "record",
        "name": "alert",
        "fields": [
            {"name": "objectId", "type": "string"},
            {"name": "candidate", "type": row},
        ],
    }
    file = tmp_path / "ZTF1_7.avro"
    with file.open("wb") as stream:
        fastavro.writer(stream, fastavro.parse_schema(schema), [ZTF])
    return file


def test_a_cutout_is_read_without_any_package() -> None:
    """Row by row, the lowest first, big-endian."""
    assert read_image(fits(0.0, 1.0, 2.0, 3.0)).rows() == [(0.0, 1.0), (2.0, 3.0)]


def test_scaled_integers_are_scaled() -> None:
    """By BSCALE and BZERO."""
    file = fits(BITPIX="16", BSCALE="0.5", BZERO="10", NAXIS2="1")
    file += struct.pack(">2h", 2, -2)

    assert read_image(file).pixels == (11.0, 9.0)


def test_an_image_behind_an_empty_header_is_found() -> None:
    """As files of several images have it."""
    empty = "".join(
        line.ljust(80) for line in ("SIMPLE  = T", "BITPIX  = 8", "NAXIS   = 0", "END")
    )
    file = empty.ljust(2880).encode() + fits(4.0, 5.0)

    assert read_image(file).pixels == (4.0, 5.0)


@pytest.mark.parametrize(
    "content",
    [
        b"no picture",
        b"\x1f\x8b cut",
        fits(1.0, 2.0)[:2884],
        fits(1.0, 2.0, NAXIS1="999999"),
        fits(1.0, 2.0, BITPIX="7"),
        fits(1.0, 2.0, NAXIS1="many"),
    ],
)
def test_a_damaged_cutout_is_one_error(content: bytes) -> None:
    """Whatever is wrong with it."""
    with pytest.raises(AlertError, match="A cutout"):
        read_image(content)


def test_what_cannot_be_drawn_is_none() -> None:
    """A null or damaged cutout keeps nobody from seeing the others."""
    found = cutouts(ZTF)

    assert found == {
        "Science": Image(2, 2, (0.0, 1.0, 2.0, 3.0)),
        "Template": None,
        "Difference": None,
    }


def test_a_light_curve_of_ztf_has_limits() -> None:
    """In the order of time; what has neither magnitude nor limit is passed over."""
    curve = light_curve(ZTF)

    limit, seen = curve.points
    assert (limit.mjd, limit.value, limit.band, limit.kind) == (59999, 20, "r", "limit")
    assert math.isnan(limit.error)
    assert seen == Point(60000.0, 17.5, 0.1, "g", "detection")
    assert (curve.label, curve.is_magnitude) == (
        "difference magnitude, magpsf [AB]",
        True,
    )


def test_a_light_curve_of_lsst_is_flux() -> None:
    """Negative too, with forced photometry."""
    curve = light_curve(LSST)

    assert [(p.value, p.band, p.kind) for p in curve.points] == [
        (2.0, "u", "forced"),
        (-5.0, "y", "detection"),
    ]
    assert curve.label == "difference flux, psfFlux [nJy]"


def test_brighter_is_higher() -> None:
    """Of magnitudes the smaller, of fluxes the larger."""
    ztf = draw_light_curve(light_curve(ZTF)).splitlines()
    lsst = draw_light_curve(light_curve(LSST)).splitlines()

    assert (ztf[1].split()[0], ztf[1][-1]) == ("17.5", "g")
    assert (ztf[14].split()[0], ztf[14][-2:]) == ("20", "|v")
    assert (lsst[1].split()[0], lsst[1][-2:]) == ("2", "|u")
    assert (lsst[14].split()[0], lsst[14][-1]) == ("-5", "y")


def test_an_alert_without_measurements_says_so() -> None:
    """It draws no empty axes."""
    assert draw_light_curve(light_curve({"objectId": "Z"})) == (
        "No measurement is in this alert."
    )


def test_a_cutout_of_letters_has_its_bright_side_up() -> None:
    """The first row of FITS is the lowest."""
    lines = draw_cutouts({"Science": read_image(fits(0.0, 0.0, 9.0, 9.0))}).splitlines()

    assert lines[0].strip() == "Science"
    assert (lines[1], lines[-1]) == ("@" * 24, "")


def test_a_saved_alert_is_shown_in_the_terminal(saved: Path) -> None:
    """In the manual's spelling, of the newer client."""
    line = ["-survey", "ztf", "-f", str(saved), "--terminal"]

    done = CliRunner().invoke(view, line)

    assert done.exit_code == 0
    assert done.stdout.startswith("ZTF ZTF1, 2023-02-25 00:00:00 UTC\n")
    assert done.stdout.count("(none)") == 3
    assert "bands: g" in done.stdout


def test_measurements_go_to_scripts(saved: Path) -> None:
    """A missing error is null."""
    done = CliRunner().invoke(view, ["-filename", str(saved), "--json"])

    assert json.loads(done.stdout) == {
        "name": "ZTF1",
        "unit": "difference magnitude, magpsf [AB]",
        "points": [
            {
                "mjd": 60000.0,
                "value": 17.5,
                "error": None,
                "band": "g",
                "kind": "detection",
            }
        ],
    }


def test_a_picture_without_matplotlib_says_what_to_install(
    saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without --png it is drawn with letters."""
    real = builtins.__import__

    def without(name: str, *args: Any, **options: Any) -> Any:
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return real(name, *args, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    asked = CliRunner().invoke(view, [str(saved), "--png", "x.png"])
    drawn = CliRunner().invoke(view, [str(saved)])

    assert "pip install 'nightmail[plot]'" in str(asked.exception)
    assert (drawn.exit_code, "bands: g" in drawn.stdout) == (0, True)


def test_a_picture_is_written(saved: Path, tmp_path: Path) -> None:
    """Without a screen."""
    pytest.importorskip("matplotlib", reason="the extra [plot] is not installed")
    picture = tmp_path / "z.png"

    done = CliRunner().invoke(view, [str(saved), "--png", str(picture)])

    assert done.stdout == f"Wrote {picture}.\n"
    assert picture.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    """In one sentence."""
    file = tmp_path / "x.avro"
    file.write_text("hello")

    done = CliRunner().invoke(view, [str(file)])

    assert isinstance(done.exception, AlertError)
    assert str(done.exception).startswith(f"{file} is no Avro file of alerts: ")


@pytest.mark.parametrize("line", [[], ["--topic", "t", "-f", __file__]])
def test_one_source_must_be_named(line: list[str]) -> None:
    """A file or a topic."""
    done = CliRunner().invoke(view, line)

    assert (done.exit_code, "Name one FILE, or a --topic." in done.stderr) == (2, True)


def test_drawing_with_letters_loads_nothing_heavy(saved: Path) -> None:
    """Matplotlib is loaded by who asks for a picture."""
    code = (
        "import sys\n"
        "from nightmail.commands.view import view\n"
        f"view([{str(saved)!r}, '--terminal'], standalone_mode=False)\n"
        "heavy = {'matplotlib', 'numpy', 'pandas', 'pyarrow', 'numba'}\n"
        "print('heavy:', *(heavy & set(sys.modules)))"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )

    assert done.stdout.splitlines()[-1] == "heavy:", done.stderr
