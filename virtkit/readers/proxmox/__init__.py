"""Proxmox VE: the configuration of a VM (``NNN.conf``), the boards and addresses of its machine types."""

from __future__ import annotations

from virtkit.readers.proxmox.reader import Proxmox

__all__ = ["READER"]

READER = Proxmox()
"""The reader, as the table of built-in readers names it."""
