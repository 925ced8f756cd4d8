"""
mmap without shared memory: a map is a copy of the file's content, to be read, or to be written to for oneself (ACCESS_COPY,
MAP_PRIVATE).

What is to change the file itself fails with ENOSYS. A map of no file (-1) is memory.
"""

import errno
import os

ACCESS_DEFAULT, ACCESS_READ, ACCESS_WRITE, ACCESS_COPY = range(4)
PROT_READ, PROT_WRITE, PROT_EXEC = 1, 2, 4
MAP_SHARED, MAP_PRIVATE, MAP_ANON, MAP_ANONYMOUS = 1, 2, 32, 32
PAGESIZE = ALLOCATIONGRANULARITY = 65536
error = OSError


class mmap(bytearray):  # noqa: N801 - Python's name
    """As mmap.mmap, of a copy."""

    def __new__(cls, fileno, length, *args, **kwargs):  # noqa: ARG004
        return super().__new__(cls)

    def __init__(self, fileno, length, flags=MAP_SHARED, prot=PROT_READ | PROT_WRITE, access=ACCESS_DEFAULT, offset=0):
        if length < 0 or offset < 0:
            raise OverflowError("memory mapped length and offset must be positive")
        shared = access == ACCESS_WRITE or (access == ACCESS_DEFAULT and flags & MAP_SHARED and prot & PROT_WRITE)
        if fileno == -1:
            super().__init__(length)
        elif shared:
            raise OSError(errno.ENOSYS, "maps that change a file are not there")
        else:
            size = os.fstat(fileno).st_size
            if length == 0 and size <= offset:
                raise ValueError("cannot mmap an empty file")
            if length and offset + length > size:
                raise ValueError("mmap length is greater than file size")
            data = bytearray()
            wanted = length or size - offset
            while len(data) < wanted and (part := os.pread(fileno, wanted - len(data), offset + len(data))):
                data += part
            super().__init__(data)
        self._readonly = access == ACCESS_READ or not prot & PROT_WRITE
        self._at = 0
        self.closed = False

    def __getitem__(self, key):
        found = super().__getitem__(key)
        return bytes(found) if isinstance(key, slice) else found

    def __setitem__(self, key, value):
        if self._readonly:
            raise TypeError("mmap can't modify a readonly memory map.")
        super().__setitem__(key, value)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.closed = True

    def flush(self, *_):
        """Nothing shares it."""

    def size(self):
        return len(self)

    def tell(self):
        return self._at

    def seek(self, pos, whence=os.SEEK_SET):
        at = pos + (0, self._at, len(self))[whence]
        if not 0 <= at <= len(self):
            raise ValueError("seek out of range")
        self._at = at
        return at

    def read(self, n=None):
        end = len(self) if n is None or n < 0 else self._at + n
        found = self[self._at : end]
        self._at += len(found)
        return found

    def read_byte(self):
        if self._at >= len(self):
            raise ValueError("read byte out of range")
        return self.read(1)[0]

    def readline(self):
        end = bytearray.find(self, b"\n", self._at)
        return self.read(None if end < 0 else end + 1 - self._at)

    def write(self, data):
        if self._at + len(data) > len(self):
            raise ValueError("data out of range")
        self[self._at : self._at + len(data)] = data
        self._at += len(data)
        return len(data)

    def find(self, sub, *bounds):
        return bytearray.find(self, sub, *(bounds or (self._at,)))
