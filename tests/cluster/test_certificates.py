"""Certificates of the local Kafka."""

import datetime as dt
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.verification import PolicyBuilder, Store

from cluster.certificates import RENEWAL, SERVER_LIFE, ensure_certificates
from cluster.folder import KafkaFolder, make_folder
from settings.errors import SettingsError
from settings.model import Cluster

NOW = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
OURS = Cluster()


@pytest.fixture
def folder(tmp_path: Path) -> KafkaFolder:
    """Give a folder that has been made."""
    made = KafkaFolder(tmp_path / "kafka")
    make_folder(made)
    return made


@pytest.fixture
def given(tmp_path: Path) -> Cluster:
    """Give settings that name a certificate, its key in OpenSSL's form, and the CA."""
    other = KafkaFolder(tmp_path / "other")
    make_folder(other)
    ensure_certificates(other, OURS, host="kafka.example.org", at=NOW)
    server = (other.tls / "server.pem").read_bytes()
    certificate, key = tmp_path / "their.crt", tmp_path / "their.key"
    begin = server.index(b"-----BEGIN CERTIFICATE")
    certificate.write_bytes(server[begin:])
    form = PrivateFormat.TraditionalOpenSSL
    private = _key(other)
    key.write_bytes(private.private_bytes(Encoding.PEM, form, NoEncryption()))
    return Cluster(
        tls_certificate=str(certificate),
        tls_key=str(key),
        tls_authority=str(other.authority),
    )


@pytest.mark.parametrize("name", ["kafka.example.org", "localhost"])
def test_a_client_is_satisfied(folder: KafkaFolder, name: str) -> None:
    """The chain that is made holds for the host's name and for localhost."""
    ensure_certificates(folder, OURS, host="kafka.example.org", at=NOW)

    authority = x509.load_pem_x509_certificate(folder.authority.read_bytes())
    verifier = PolicyBuilder().store(Store([authority])).time(NOW)
    chain = verifier.build_server_verifier(x509.DNSName(name)).verify(
        _certificate(folder), []
    )

    assert chain[-1] == authority


def test_keys_are_for_their_owner_only(folder: KafkaFolder) -> None:
    """Nobody else can read the folder, or a file in it."""
    ensure_certificates(folder, OURS, host="127.0.0.1", at=NOW)

    assert folder.tls.stat().st_mode & 0o777 == 0o700
    assert {f.name: f.stat().st_mode & 0o777 for f in folder.tls.iterdir()} == {
        "authority.key": 0o600,
        "authority.pem": 0o600,
        "server.pem": 0o600,
    }


def test_they_are_kept(folder: KafkaFolder) -> None:
    """What was handed to users stays good at the next start."""
    ensure_certificates(folder, OURS, host="127.0.0.1", at=NOW)
    before = {file: file.read_bytes() for file in folder.tls.iterdir()}

    ensure_certificates(folder, OURS, host="127.0.0.1", at=NOW + dt.timedelta(days=1))

    assert {file: file.read_bytes() for file in folder.tls.iterdir()} == before


@pytest.mark.parametrize(
    ("host", "later"),
    [("another.example.org", dt.timedelta()), ("127.0.0.1", SERVER_LIFE - RENEWAL)],
)
def test_a_new_one_is_made_in_time(
    folder: KafkaFolder, host: str, later: dt.timedelta
) -> None:
    """For another host, or before it ends, by the same authority."""
    ensure_certificates(folder, OURS, host="127.0.0.1", at=NOW)
    authority, before = folder.authority.read_bytes(), _certificate(folder)

    ensure_certificates(folder, OURS, host=host, at=NOW + later)

    assert folder.authority.read_bytes() == authority
    assert _certificate(folder) != before


def test_given_ones_are_taken(folder: KafkaFolder, given: Cluster) -> None:
    """The key is written in the one form that Kafka reads."""
    ensure_certificates(folder, given, host="127.0.0.1", at=NOW)

    assert given.tls_certificate
    assert given.tls_authority
    theirs = Path(given.tls_certificate).read_bytes()
    assert _certificate(folder) == x509.load_pem_x509_certificate(theirs)
    assert b"-----BEGIN PRIVATE KEY-----" in (folder.tls / "server.pem").read_bytes()
    assert folder.authority.read_text() == Path(given.tls_authority).read_text()


def test_without_an_authority_the_machine_s_are_meant(
    folder: KafkaFolder, given: Cluster
) -> None:
    """One of an earlier start is not left behind."""
    ensure_certificates(folder, OURS, host="127.0.0.1", at=NOW)

    publicly = given.model_copy(update={"tls_authority": None})
    ensure_certificates(folder, publicly, host="127.0.0.1", at=NOW)

    assert not folder.authority.exists()


def test_a_key_of_another_certificate_is_refused(
    folder: KafkaFolder, given: Cluster, tmp_path: Path
) -> None:
    """The sentence names both files."""
    form = PrivateFormat.PKCS8
    other = ec.generate_private_key(ec.SECP256R1())
    file = tmp_path / "other.key"
    file.write_bytes(other.private_bytes(Encoding.PEM, form, NoEncryption()))

    with pytest.raises(SettingsError, match=r"other\.key\) is not the key of .*\.crt"):
        ensure_certificates(
            folder,
            given.model_copy(update={"tls_key": str(file)}),
            host="127.0.0.1",
            at=NOW,
        )


def test_a_key_with_a_password_is_refused(
    folder: KafkaFolder, given: Cluster, tmp_path: Path
) -> None:
    """Kafka could not ask for it."""
    key = ec.generate_private_key(ec.SECP256R1())
    locked = BestAvailableEncryption(b"x")
    file = tmp_path / "locked.key"
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, locked))

    with pytest.raises(SettingsError, match="key without a password"):
        ensure_certificates(
            folder,
            given.model_copy(update={"tls_key": str(file)}),
            host="127.0.0.1",
            at=NOW,
        )


def test_an_old_one_is_refused(folder: KafkaFolder, given: Cluster) -> None:
    """A certificate that has ended is found before Kafka starts."""
    with pytest.raises(SettingsError, match=r"ended on 2027-.*have it renewed"):
        ensure_certificates(folder, given, host="a", at=NOW + 2 * SERVER_LIFE)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"tls_key": None}, r"cluster\.tls_key is not"),
        ({"tls_key": "/nowhere"}, r"cluster\.tls_key \(/nowhere\) cannot be read"),
        ({"tls_certificate": __file__}, r"cluster\.tls_certificate \(.*\) cannot be"),
        ({"tls_authority": "/nowhere"}, r"cluster\.tls_authority \(/nowhere\) cannot"),
    ],
)
def test_what_cannot_be_used_is_named(
    folder: KafkaFolder, given: Cluster, wrong: dict[str, str | None], sentence: str
) -> None:
    """The sentence has the setting and the file."""
    with pytest.raises(SettingsError, match=sentence):
        ensure_certificates(
            folder, given.model_copy(update=wrong), host="127.0.0.1", at=NOW
        )


def _certificate(folder: KafkaFolder) -> x509.Certificate:
    return x509.load_pem_x509_certificate((folder.tls / "server.pem").read_bytes())


def _key(folder: KafkaFolder) -> ec.EllipticCurvePrivateKey:
    key = load_pem_private_key((folder.tls / "server.pem").read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return key
