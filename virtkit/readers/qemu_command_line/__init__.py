"""QEMU command lines: words, options, the devices in QEMU's order, their places, and the domain XML."""

from __future__ import annotations

from virtkit.readers.qemu_command_line.reader import QemuCommandLine

__all__ = ["READER"]

READER = QemuCommandLine()
"""The reader, as the table of built-in readers names it."""
