"""What the single executable runs: the command, from the folder that the stub has unpacked."""

from __future__ import annotations

import fcntl
import os
import sys
from contextlib import suppress

from runtime import compiler
from runtime.executable import COMPILER

# The folder stays as long as somebody shares its lock. The stub hands on a descriptor that does; a daemon that a command
# has started comes without one.
with suppress(OSError):
    fcntl.flock(os.open(os.path.join(os.path.dirname(sys.executable), ".torpor-in-use"), os.O_RDONLY), fcntl.LOCK_SH)  # noqa: PTH118, PTH120
if sys.argv[1:2] == [COMPILER]:
    compiler.main(int(sys.argv[2]))
else:
    from runtime.cli.main import main

    sys.exit(main())
