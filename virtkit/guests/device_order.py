"""The order in which libosinfo returns the devices of a guest, which decides for software that takes the first one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["returned_order"]

#: GLib's smallest hash table: eight slots, of which a key takes the one that its hash has modulo this prime.
#: Each later table has twice the slots, and the largest prime below that number.
_PRIMES = (7, 13, 31, 61, 127, 251, 509, 1021)
_WORD = 0xFFFFFFFF


def returned_order(added: Iterable[str]) -> tuple[str, ...]:
    """Device ids (URIs) in the order in which ``osinfo_os_get_all_devices`` returns them.

    ``added`` has them in the order in which libosinfo collects them: the guest's own in the order of its file, then
    those of what it derives from and clones, each once. The function returns the values of a GHashTable from its last
    slot to its first. Source: observed, libosinfo 1.10 with GLib 2.74 on osinfo-db 20221130 and 20260517: equal for
    all 1,749 guests.
    """
    keys = list(dict.fromkeys(added))
    shift = 0
    # A table grows when it would be filled to more than sixteen seventeenths.
    while len(keys) + len(keys) // 16 >= 8 << shift:
        shift += 1
    size, prime = 8 << shift, _PRIMES[shift]
    slots: dict[int, str] = {}
    for key in keys:
        slot, step = (_hash(key) * 11 & _WORD) % prime, 0
        while slot in slots:
            step += 1
            slot = (slot + step) & (size - 1)
        slots[slot] = key
    return tuple(slots[slot] for slot in sorted(slots, reverse=True))


def _hash(text: str) -> int:
    """GLib's hash of a string: 33 times the hash so far plus the next byte, from 5381 on, in 32 bits."""
    value = 5381
    for byte in text.encode():
        value = (value * 33 + byte) & _WORD
    return value
