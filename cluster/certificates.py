"""Certificates of the local Kafka: made here, or given by the settings."""

import datetime as dt
import ipaddress
from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from cluster.folder import KafkaFolder, write_private
from settings.errors import SettingsError
from settings.model import Cluster

AUTHORITY_LIFE = dt.timedelta(days=3650)
"""How long our authority is good; users have its certificate."""

SERVER_LIFE = dt.timedelta(days=397)
"""How long a broker's certificate is good."""

RENEWAL = dt.timedelta(days=90)
"""A start makes a new one where less than this is left."""

NAME = "nightmail's local Kafka"
"""Whom the authority's certificate names."""


def ensure_certificates(
    folder: KafkaFolder, cluster: Cluster, *, host: str, at: dt.datetime
) -> None:
    """Have the brokers' key and certificate ready, and the authority if there is one.

    Parameters
    ----------
    folder
        Its `tls` gets server.pem and authority.pem, readable by the owner only.
    cluster
        Names a certificate and its key, else they are made and kept.
    host
        Name or address that clients use, beside localhost.
    at
        Now.

    Raises
    ------
    SettingsError
        A given file cannot be used.
    """
    folder.tls.mkdir(mode=0o700, exist_ok=True)
    if cluster.tls_certificate:
        _take_given(folder, cluster, cluster.tls_certificate, at)
        return
    names = sorted({host, "localhost", "127.0.0.1"})
    key, authority = _ensure_authority(folder, at)
    if not _is_good(folder.tls / "server.pem", authority, names, at):
        _make_server(folder, key, authority, names, at)


def _take_given(
    folder: KafkaFolder, cluster: Cluster, certificate: str, at: dt.datetime
) -> None:
    """Put a given key and certificate into the one file that Kafka reads."""
    if not cluster.tls_key:
        raise SettingsError(
            "cluster.tls_certificate is set and cluster.tls_key is not: name the file"
            " of its key, too."
        )
    chain = _read_certificates("cluster.tls_certificate", certificate)
    key = _read_key(cluster.tls_key)
    if _public(chain[0].public_key()) != _public(key.public_key()):
        raise SettingsError(
            f"cluster.tls_key ({cluster.tls_key}) is not the key of"
            f" cluster.tls_certificate ({certificate}): name the two that belong"
            " together."
        )
    if chain[0].not_valid_after_utc <= at:
        raise SettingsError(
            f"cluster.tls_certificate ({certificate}) ended on"
            f" {chain[0].not_valid_after_utc:%Y-%m-%d}: have it renewed."
        )
    _write_server(folder, key, chain)
    if cluster.tls_authority:
        given = _read_certificates("cluster.tls_authority", cluster.tls_authority)
        write_private(folder.authority, "".join(map(_pem, given)))
    else:
        folder.authority.unlink(missing_ok=True)


def _read_certificates(setting: str, file: str) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(Path(file).read_bytes())
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"{setting} ({file}) cannot be read as PEM certificates: {_why(error)}."
        ) from error


def _read_key(file: str) -> PrivateKeyTypes:
    try:
        return load_pem_private_key(Path(file).read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        raise SettingsError(
            f"cluster.tls_key ({file}) cannot be read as a PEM key without a password:"
            f" {_why(error)}."
        ) from error


def _why(error: Exception) -> str:
    said = error.strerror if isinstance(error, OSError) else str(error)
    return (said or type(error).__name__).split("\n")[0].rstrip(".")


def _ensure_authority(
    folder: KafkaFolder, at: dt.datetime
) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    """Give our authority's key and certificate, made once: users keep the latter."""
    kept = folder.tls / "authority.key"
    if kept.exists() and folder.authority.exists():
        key = load_pem_private_key(kept.read_bytes(), password=None)
        found = x509.load_pem_x509_certificate(folder.authority.read_bytes())
        is_ours = _public(found.public_key()) == _public(key.public_key())
        if is_ours and isinstance(key, ec.EllipticCurvePrivateKey):
            return key, found
    made = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    certificate = (
        _begin(name, name, made.public_key(), at, AUTHORITY_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(sign=True), critical=True)
        .sign(made, hashes.SHA256())
    )
    write_private(kept, _secret_pem(made))
    write_private(folder.authority, _pem(certificate))
    return made, certificate


def _make_server(
    folder: KafkaFolder,
    authority_key: ec.EllipticCurvePrivateKey,
    authority: x509.Certificate,
    names: Sequence[str],
    at: dt.datetime,
) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[-1])])
    purposes = [
        ExtendedKeyUsageOID.SERVER_AUTH,
        ExtendedKeyUsageOID.CLIENT_AUTH,
    ]
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(
        authority_key.public_key()
    )
    certificate = (
        _begin(name, authority.subject, key.public_key(), at, SERVER_LIFE)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(sign=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
        .add_extension(issuer, critical=False)
        .add_extension(
            x509.SubjectAlternativeName([_alternative(each) for each in names]),
            critical=False,
        )
        .sign(authority_key, hashes.SHA256())
    )
    _write_server(folder, key, [certificate])


def _begin(
    subject: x509.Name,
    issuer: x509.Name,
    public: ec.EllipticCurvePublicKey,
    at: dt.datetime,
    life: dt.timedelta,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        # A client's clock may be a little behind.
        .not_valid_before(at - dt.timedelta(hours=1))
        .not_valid_after(at + life)
        .add_extension(
            x509.SubjectKeyIdentifier.from_public_key(public), critical=False
        )
    )


def _usage(*, sign: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not sign,
        key_cert_sign=sign,
        crl_sign=sign,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _is_good(
    server: Path, authority: x509.Certificate, names: Sequence[str], at: dt.datetime
) -> bool:
    """Tell whether a certificate that was made before still does."""
    if not server.exists():
        return False
    found = x509.load_pem_x509_certificates(server.read_bytes())[0]
    told = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    try:
        found.verify_directly_issued_by(authority)
    except Exception:  # noqa: BLE001 - whatever is wrong with it, another is made
        return False
    has_all = {_alternative(name) for name in names} <= set(told)
    return has_all and found.not_valid_after_utc - at > RENEWAL


def _write_server(
    folder: KafkaFolder, key: PrivateKeyTypes, chain: Sequence[x509.Certificate]
) -> None:
    text = _secret_pem(key) + "".join(map(_pem, chain))
    write_private(folder.tls / "server.pem", text)


def _secret_pem(key: PrivateKeyTypes) -> str:
    # Kafka reads a key in this form and in no older one.
    form = PrivateFormat.PKCS8
    return key.private_bytes(Encoding.PEM, form, NoEncryption()).decode()


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode()


def _public(key: object) -> bytes:
    encoded: bytes = key.public_bytes(  # type: ignore[attr-defined]
        Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    )
    return encoded
