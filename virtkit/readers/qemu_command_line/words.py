"""Words of a command line with the line of the input on which each begins."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["BINARY", "CommandLine", "Word", "is_emulator"]

BINARY = re.compile(r"(?:^|/)(?:qemu-system-([A-Za-z0-9_]+)(?:[-.][A-Za-z0-9.-]+)?|(?:qemu-)?(?:kvm|kvm-spice))$")
"""A program that is a QEMU system emulator; the group is QEMU's name of the architecture, absent for ``kvm``."""


@dataclass(frozen=True, slots=True)
class Word:
    """One argument as QEMU gets it, and the line of the input on which it begins."""

    text: str
    line: int


@dataclass(frozen=True, slots=True)
class CommandLine:
    """One start of QEMU: the program and its arguments, and sentences on what could not be read exactly.

    ``qemu`` is the release that the input itself states, as libvirt's log does; None otherwise.
    """

    words: tuple[Word, ...]
    notes: tuple[str, ...] = ()
    qemu: tuple[int, int] | None = None

    def starting_at_emulator(self) -> CommandLine | None:
        """The same without what stands before the emulator (``sudo``, ``taskset -c 3``, ``env A=b``); None without one.

        The program is the first word that names an emulator and is no value of an option of another program.
        """
        for number, word in enumerate(self.words):
            if is_emulator(word.text):
                return CommandLine(self.words[number:], self.notes, self.qemu)
        return None


def is_emulator(text: str) -> bool:
    """Whether a word is the path or name of a QEMU system emulator."""
    return BINARY.search(text.removesuffix(".exe")) is not None
