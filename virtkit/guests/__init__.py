"""Guest operating systems: which virtio drivers each one has, by database and by sourced correction."""

from virtkit.guests.catalogue import Catalogue, catalogue
from virtkit.guests.kinds import KINDS
from virtkit.guests.record import AddOn, Guest, Support
from virtkit.guests.shipped import Summary, refresh

__all__ = ["KINDS", "AddOn", "Catalogue", "Guest", "Summary", "Support", "catalogue", "find", "refresh"]


def find(name: str) -> Guest:
    """The shipped guest with this short id, URI or alias; GuestError with the nearest ids if none."""
    return catalogue().find(name)
