"""Guest operating systems and their virtio drivers, from the guest database and its sourced corrections."""

from virtkit.guests.catalogue import Catalogue, catalogue
from virtkit.guests.kinds import KINDS
from virtkit.guests.record import AddOn, Guest, Support
from virtkit.guests.shipped import Summary, refresh

__all__ = ["KINDS", "AddOn", "Catalogue", "Guest", "Summary", "Support", "catalogue", "find", "refresh"]


def find(name: str) -> Guest:
    """The shipped guest with this short id, URI or alias. Raises GuestError with similar ids when there is none."""
    return catalogue().find(name)
