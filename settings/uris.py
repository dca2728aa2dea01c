"""Folders and URLs as settings have them: what is allowed, and what a secret is."""

import re
from urllib.parse import unquote

FILE_SCHEME = "file://"
"""Beginning of a folder written as a URI."""

STORE_SCHEMES = ("s3", "gs", "gcs", "hdfs", "viewfs", "abfs", "abfss")
"""URLs of stores that Arrow opens."""


def is_remote(uri: str) -> bool:
    """Tell whether a URI is no folder of this machine."""
    return "://" in uri and not _is_file(uri)


def has_secret(uri: str) -> bool:
    """Tell whether a URL has a password, or an option that is one."""
    return re.search(r"://[^/?]*:[^/?@]*@|[?&]client_secret=", uri) is not None


def local_path(uri: str) -> str:
    """Give the path of a folder that may be written as a URI."""
    return unquote(uri.removeprefix(FILE_SCHEME)) if _is_file(uri) else uri


def check_folder(uri: str, placeholders: set[str]) -> str:
    """Refuse what would become a folder of a strange name.

    Raises
    ------
    ValueError
        It is empty, a URL, or has a name in braces that is none of the placeholders.
    """
    if not uri:
        raise ValueError("it is empty")
    if is_remote(uri):
        scheme = uri.partition("://")[0]
        raise ValueError(f"{scheme}:// is not supported, only a folder or file://")
    return _placed(uri, placeholders)


def check_store(uri: str) -> str:
    """Refuse what no store can be: neither a folder nor a URL that Arrow opens.

    Raises
    ------
    ValueError
        As `check_folder`; or the URL is of another kind, or has a secret in it.
    """
    if not is_remote(uri):
        return check_folder(uri, {"{state_dir}", "{survey}"})
    scheme = uri.partition("://")[0]
    if scheme not in STORE_SCHEMES:
        known = ", ".join(f"{name}://" for name in ("file", *STORE_SCHEMES))
        raise ValueError(f"{scheme}:// is not supported, only a folder, {known}")
    if has_secret(uri):
        raise ValueError(
            "it has a secret, which everybody would see: give it in the environment"
            " as AWS_SECRET_ACCESS_KEY or what else its library reads"
        )
    return _placed(uri, {"{survey}"})


def _is_file(uri: str) -> bool:
    return uri.startswith(FILE_SCHEME)


def _placed(uri: str, placeholders: set[str]) -> str:
    """Refuse names in braces that nobody fills in."""
    for name in re.findall(r"\{[^}]*\}?", uri):
        if name not in placeholders:
            known = " and ".join(sorted(placeholders))
            raise ValueError(f"{name} is not known, only {known}")
    return uri
