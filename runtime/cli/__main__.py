"""`python -m runtime.cli`: the command, however it was installed."""

import sys

from runtime.cli.main import main

sys.exit(main())
