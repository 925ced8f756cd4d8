"""What programs look for that want to know whether there is TLS, and which; see ssl."""

OPENSSL_VERSION = "OpenSSL 3 of the VM's runtime"
OPENSSL_VERSION_INFO = (3, 0, 0, 0, 0)
OPENSSL_VERSION_NUMBER = 0x30000000
