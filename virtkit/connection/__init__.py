"""A running libvirt as input: its domains, and the host that it describes. Read only; needs libvirt-python."""

from virtkit.connection.live import Live, connect
from virtkit.connection.uri import is_uri

__all__ = ["Live", "connect", "is_uri"]
