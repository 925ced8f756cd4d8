"""
TLS as the runtime of a VM has it, which makes the connections of HTTP requests and checks certificates, by the public
authorities. There is no other TLS in a VM. What a context is told is kept, and has no effect: nothing here can weaken a check.
"""

import base64
import enum
import os
import socket as _sockets
import textwrap
from _ssl import OPENSSL_VERSION, OPENSSL_VERSION_INFO, OPENSSL_VERSION_NUMBER  # noqa: F401 - of those who ask
from collections import namedtuple

HAS_SNI = HAS_TLSv1_2 = HAS_TLSv1_3 = True
HAS_ALPN = HAS_ECDH = HAS_NEVER_CHECK_COMMON_NAME = HAS_NPN = HAS_PSK = HAS_SSLv2 = HAS_SSLv3 = HAS_TLSv1 = (
    HAS_TLSv1_1
) = False
CHANNEL_BINDING_TYPES = []
PEM_HEADER, PEM_FOOTER = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"


class SSLError(OSError):
    """TLS has failed."""

    library = reason = None

    def __str__(self):
        return str(self.strerror or self.args)


class SSLZeroReturnError(SSLError):
    pass


class SSLWantReadError(SSLError):
    pass


class SSLWantWriteError(SSLError):
    pass


class SSLSyscallError(SSLError):
    pass


class SSLEOFError(SSLError):
    pass


class SSLCertVerificationError(SSLError, ValueError):
    verify_code = 0
    verify_message = ""


CertificateError = SSLCertVerificationError
socket_error = OSError


class VerifyMode(enum.IntEnum):
    CERT_NONE, CERT_OPTIONAL, CERT_REQUIRED = range(3)


class VerifyFlags(enum.IntFlag):
    VERIFY_DEFAULT = 0
    VERIFY_CRL_CHECK_LEAF = 4
    VERIFY_CRL_CHECK_CHAIN = 12
    VERIFY_X509_STRICT = 32
    VERIFY_ALLOW_PROXY_CERTS = 64
    VERIFY_X509_TRUSTED_FIRST = 32768
    VERIFY_X509_PARTIAL_CHAIN = 524288


class _SSLMethod(enum.IntEnum):
    PROTOCOL_TLS = 2
    PROTOCOL_SSLv23 = 2
    PROTOCOL_TLSv1 = 3
    PROTOCOL_TLSv1_1 = 4
    PROTOCOL_TLSv1_2 = 5
    PROTOCOL_TLS_CLIENT = 16
    PROTOCOL_TLS_SERVER = 17


class TLSVersion(enum.IntEnum):
    MINIMUM_SUPPORTED = -2
    SSLv3 = 768
    TLSv1 = 769
    TLSv1_1 = 770
    TLSv1_2 = 771
    TLSv1_3 = 772
    MAXIMUM_SUPPORTED = -1


class Options(enum.IntFlag):
    OP_ALL = 0x80000050
    OP_LEGACY_SERVER_CONNECT = 0x4
    OP_IGNORE_UNEXPECTED_EOF = 0x80
    OP_NO_TICKET = 0x4000
    OP_NO_COMPRESSION = 0x20000
    OP_ENABLE_MIDDLEBOX_COMPAT = 0x100000
    OP_CIPHER_SERVER_PREFERENCE = 0x400000
    OP_NO_SSLv2 = 0
    OP_NO_SSLv3 = 0x2000000
    OP_NO_TLSv1 = 0x4000000
    OP_NO_TLSv1_2 = 0x8000000
    OP_NO_TLSv1_1 = 0x10000000
    OP_NO_TLSv1_3 = 0x20000000
    OP_NO_RENEGOTIATION = 0x40000000
    OP_SINGLE_DH_USE = 0
    OP_SINGLE_ECDH_USE = 0


class SSLErrorNumber(enum.IntEnum):
    SSL_ERROR_SSL, SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE, SSL_ERROR_WANT_X509_LOOKUP = range(1, 5)
    SSL_ERROR_SYSCALL, SSL_ERROR_ZERO_RETURN, SSL_ERROR_WANT_CONNECT, SSL_ERROR_EOF = range(5, 9)


class AlertDescription(enum.IntEnum):
    """Numbers of alerts: those that somebody asks for."""

    ALERT_DESCRIPTION_CLOSE_NOTIFY = 0
    ALERT_DESCRIPTION_HANDSHAKE_FAILURE = 40
    ALERT_DESCRIPTION_UNKNOWN_CA = 48


for _numbers in (VerifyMode, VerifyFlags, _SSLMethod, Options, SSLErrorNumber, AlertDescription):
    globals().update(_numbers.__members__)

_ASN1Object = namedtuple(  # noqa: PYI024 - as in CPython
    "_ASN1Object", "nid shortname longname oid"
)
DefaultVerifyPaths = namedtuple(  # noqa: PYI024 - as in CPython
    "DefaultVerifyPaths", "cafile capath openssl_cafile_env openssl_cafile openssl_capath_env openssl_capath"
)


class Purpose(enum.Enum):
    SERVER_AUTH = _ASN1Object(129, "serverAuth", "TLS Web Server Authentication", "1.3.6.1.5.5.7.3.1")
    CLIENT_AUTH = _ASN1Object(130, "clientAuth", "TLS Web Client Authentication", "1.3.6.1.5.5.7.3.2")


def _lacking(what):
    return NotImplementedError(f"{what}: TLS is the runtime's, for HTTP requests, and nothing else of it is there")


class SSLSocket(_sockets.socket):
    """A socket of which the requests are for https."""

    secure = True
    context = server_side = server_hostname = session = _sslobj = None

    def __init__(self, *_args, **_named):
        raise TypeError(
            "SSLSocket does not have a public constructor. Instances are returned by SSLContext.wrap_socket()."
        )

    def do_handshake(self, block=False):
        pass

    def unwrap(self):
        return self

    def read(self, len=1024, buffer=None):
        return self.recv(len) if buffer is None else self.recv_into(buffer, len)

    def write(self, data):
        return self.send(data)

    def getpeercert(self, binary_form=False):
        # What the runtime checks once a request is made: that the certificate is for this name.
        name = self.server_hostname
        kind = "IP Address" if ":" in name or name.replace(".", "").isdigit() else "DNS"
        return b"" if binary_form else {"subjectAltName": ((kind, name),)}

    def version(self):
        return "TLSv1.3"

    def cipher(self):
        return None

    def selected_alpn_protocol(self):
        return None

    selected_npn_protocol = shared_ciphers = compression = cipher

    def pending(self):
        return 0

    def get_channel_binding(self, cb_type="tls-unique"):
        return None


class SSLObject:
    def __init__(self, *_args, **_named):
        raise _lacking("SSLObject")


class MemoryBIO:
    def __init__(self):
        raise _lacking("MemoryBIO")


class SSLSession:
    pass


class SSLContext:
    """What is set is kept, and has no effect."""

    sslsocket_class, sslobject_class = SSLSocket, SSLObject
    keylog_filename = sni_callback = None
    post_handshake_auth = False
    hostname_checks_common_name = True
    num_tickets = 2
    session_stats = None

    def __init__(self, protocol=None, *_args, **_named):
        self.protocol = _SSLMethod.PROTOCOL_TLS if protocol is None else protocol
        is_client = self.protocol == _SSLMethod.PROTOCOL_TLS_CLIENT
        self.verify_mode = VerifyMode.CERT_REQUIRED if is_client else VerifyMode.CERT_NONE
        self.check_hostname = is_client
        self.verify_flags = VerifyFlags.VERIFY_X509_TRUSTED_FIRST
        self.options = Options.OP_ALL | Options.OP_NO_SSLv3
        self.minimum_version, self.maximum_version = TLSVersion.TLSv1_2, TLSVersion.MAXIMUM_SUPPORTED

    def wrap_socket(
        self,
        sock,
        server_side=False,
        do_handshake_on_connect=True,
        suppress_ragged_eofs=True,
        server_hostname=None,
        session=None,
    ):
        if server_side:
            raise _lacking("a server")
        made = SSLSocket.__new__(SSLSocket)
        made.begin(sock.peer, sock.gettimeout())
        made.context, made.server_hostname, made.server_side = self, server_hostname, False
        return made

    def wrap_bio(self, *_args, **_named):
        raise _lacking("wrap_bio")

    def load_cert_chain(self, *_args, **_named):
        raise _lacking("certificates of clients")

    def _nothing(self, *_args, **_named):
        pass

    load_default_certs = load_verify_locations = set_default_verify_paths = set_alpn_protocols = set_ciphers = _nothing
    set_npn_protocols = load_dh_params = set_ecdh_curve = set_servername_callback = _nothing

    def get_ca_certs(self, binary_form=False):
        return []

    def get_ciphers(self):
        return []

    def cert_store_stats(self):
        return {"x509": 0, "crl": 0, "x509_ca": 0}


def create_default_context(purpose=Purpose.SERVER_AUTH, *, cafile=None, capath=None, cadata=None):
    is_server = purpose is Purpose.CLIENT_AUTH
    return SSLContext(_SSLMethod.PROTOCOL_TLS_SERVER if is_server else _SSLMethod.PROTOCOL_TLS_CLIENT)


def _create_unverified_context(protocol=None, **_named):
    return SSLContext(_SSLMethod.PROTOCOL_TLS_CLIENT)


_create_default_https_context, _create_stdlib_context = create_default_context, _create_unverified_context


def get_default_verify_paths():
    return DefaultVerifyPaths(None, None, "SSL_CERT_FILE", "", "SSL_CERT_DIR", "")


def get_server_certificate(*_args, **_named):
    raise _lacking("get_server_certificate")


def DER_cert_to_PEM_cert(der):
    return (
        "\n".join([PEM_HEADER, *textwrap.wrap(base64.standard_b64encode(der).decode("ascii"), 64), PEM_FOOTER]) + "\n"
    )


def PEM_cert_to_DER_cert(pem):
    text = pem.strip()
    if not (text.startswith(PEM_HEADER) and text.endswith(PEM_FOOTER)):
        raise ValueError(f"Invalid PEM encoding; must start with {PEM_HEADER} and end with {PEM_FOOTER}")
    return base64.decodebytes(text[len(PEM_HEADER) : -len(PEM_FOOTER)].encode("ASCII", "strict"))


def RAND_bytes(count):
    return os.urandom(count)


def RAND_status():
    return True


def RAND_add(_bytes, _entropy):
    pass
