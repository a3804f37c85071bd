"""``python -m virtkit``: the command line."""

import sys

from virtkit.cli import main

sys.exit(main())
