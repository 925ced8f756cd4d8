"""The authorities that vouch for hosts: the public ones, or those that the daemon's environment names."""

from __future__ import annotations

import os
import ssl
from functools import cache
from typing import Final

import certifi

FILE: Final = "SSL_CERT_FILE"
DIRECTORY: Final = "SSL_CERT_DIR"


class AuthoritiesError(Exception):
    """What the environment names has no certificates; the message says which variable, and why."""


def named() -> bool:
    """Whether the environment names authorities."""
    return bool(os.environ.get(FILE) or os.environ.get(DIRECTORY))


@cache
def authorities() -> ssl.SSLContext:
    """What connections of guests are checked by.

    That is certifi's list, or in its place what SSL_CERT_FILE (PEM) and SSL_CERT_DIR name, as OpenSSL and most clients
    have it (SSL_CTX_load_verify_locations(3)): a company whose proxy opens connections has an authority of its own.
    Raises AuthoritiesError.
    """
    file, directory = os.environ.get(FILE) or None, os.environ.get(DIRECTORY) or None
    if file is None and directory is None:
        return ssl.create_default_context(cafile=certifi.where())
    if directory is not None and not os.path.isdir(directory):  # noqa: PTH112 - OpenSSL takes any text for one
        raise AuthoritiesError(f"{DIRECTORY}: there is no directory {directory}")
    try:
        return ssl.create_default_context(cafile=file, capath=directory)
    except ssl.SSLError as error:  # an OSError, too
        raise AuthoritiesError(f"{FILE}: {file} has no certificates (PEM)") from error
    except OSError as error:
        raise AuthoritiesError(f"{FILE}: {file}: {error.strerror}") from error
