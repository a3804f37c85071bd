"""``python -m virtkit``: the command line."""

import sys

from virtkit.cli import program

sys.exit(program())
