"""The look of every picture and page: Okabe-Ito colours, device classes, verdict glyphs.

Source of the colours: M. Okabe and K. Ito, "Color Universal Design", 2008: eight colours that people with any
colour vision can distinguish. A colour never carries a meaning alone: a glyph or a word goes with it.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

__all__ = [
    "BLANK",
    "CHANGES",
    "CLASSES",
    "LOOKS",
    "VERDICTS",
    "ChangeLook",
    "DeviceClass",
    "Verdict",
    "clean",
    "device_class",
    "tint",
    "verdict",
]

BLUE, SKY, GREEN, YELLOW = "#0072B2", "#56B4E9", "#009E73", "#F0E442"
ORANGE, VERMILION, PURPLE, GREY = "#E69F00", "#D55E00", "#CC79A7", "#7A7A7A"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The look of a verdict: name, glyph, short word, colour, and its rank from good to bad."""

    name: str
    glyph: str
    short: str
    colour: str
    rank: int


VERDICTS: dict[str, Verdict] = {
    entry.name: entry
    for entry in (
        Verdict("works", "✓", "works", GREEN, 0),
        Verdict("works-with-condition", "◐", "if", SKY, 1),
        Verdict("unknown", "?", "unknown", YELLOW, 2),
        Verdict("fails", "✗", "fails", VERMILION, 3),
        Verdict("refused", "⊘", "refused", GREY, 4),
    )
}

#: The CSS class of a cell by its verdict.
LOOKS = {"works": "w", "works-with-condition": "c", "fails": "f", "unknown": "u", "refused": "r"}

BLANK = Verdict("", "·", "no verdict", "#FFFFFF", 5)


def verdict(name: object) -> Verdict:
    """The look of the verdict ``name``: blank for "" and None, grey for a word that is not in VERDICTS."""
    text = name if isinstance(name, str) else ""
    if not text:
        return BLANK
    return VERDICTS.get(text) or Verdict(text, "•", text, GREY, 6)


@dataclass(frozen=True, slots=True)
class ChangeLook:
    """The look of a changed device: name, glyph, colour, and the dashes of its border (() for a solid line)."""

    name: str
    glyph: str
    colour: str
    dashes: tuple[float, ...] = ()


#: By ``virtkit.topology.diff.ChangeKind``.
CHANGES: dict[str, ChangeLook] = {
    look.name: look
    for look in (
        ChangeLook("changed", "≠", BLUE),
        ChangeLook("moved", "→", ORANGE, (5.0, 1.2)),
        ChangeLook("new", "+", GREEN),
        ChangeLook("gone", "−", VERMILION, (2.2, 1.6)),
        ChangeLook("same", "", "#A8A8A8"),
    )
}


@dataclass(frozen=True, slots=True)
class DeviceClass:
    """A class of devices in a picture: its name and colour."""

    name: str
    colour: str


CLASSES: tuple[DeviceClass, ...] = (
    DeviceClass("storage", BLUE),
    DeviceClass("network", GREEN),
    DeviceClass("display", PURPLE),
    DeviceClass("console", SKY),
    DeviceClass("usb and input", YELLOW),
    DeviceClass("passthrough", VERMILION),
    DeviceClass("memory and rng", ORANGE),
    DeviceClass("other", GREY),
)

_BY_NAME = {entry.name: entry for entry in CLASSES}

# Substrings of a device kind or driver, first match wins.
_MARKS: tuple[tuple[str, str], ...] = (
    ("hostdev", "passthrough"),
    ("video", "display"),
    ("vfio", "passthrough"),
    ("redirdev", "usb and input"),
    ("balloon", "memory and rng"),
    ("rng", "memory and rng"),
    ("mem", "memory and rng"),
    ("nvdimm", "memory and rng"),
    ("serial", "console"),
    ("console", "console"),
    ("channel", "console"),
    ("vsock", "network"),
    ("scsi", "storage"),
    ("disk", "storage"),
    ("blk", "storage"),
    ("block", "storage"),
    ("sata", "storage"),
    ("ahci", "storage"),
    ("ide", "storage"),
    ("fdc", "storage"),
    ("nvme", "storage"),
    ("floppy", "storage"),
    ("filesystem", "storage"),
    ("fs", "storage"),
    ("9p", "storage"),
    ("net", "network"),
    ("interface", "network"),
    ("e1000", "network"),
    ("vga", "display"),
    ("gpu", "display"),
    ("qxl", "display"),
    ("usb", "usb and input"),
    ("xhci", "usb and input"),
    ("ehci", "usb and input"),
    ("uhci", "usb and input"),
    ("hub", "usb and input"),
    ("input", "usb and input"),
    ("keyboard", "usb and input"),
    ("mouse", "usb and input"),
    ("tablet", "usb and input"),
)


def device_class(kind: str, driver: str = "") -> DeviceClass:
    """The class of a device, by its kind or else by its driver."""
    for text in (kind.lower(), driver.lower()):
        for mark, name in _MARKS:
            if mark in text:
                return _BY_NAME[name]
    return _BY_NAME["other"]


def tint(colour: str, share: float = 0.22) -> str:
    """``colour`` ("#RRGGBB") mixed with white; ``share`` is the share of the colour, 0 to 1."""
    parts = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return "#" + "".join(f"{round(255 + (part - 255) * share):02X}" for part in parts)


def clean(text: object) -> str:
    """Any text as one printable line: line breaks are blanks, control and direction marks are replaced."""
    return "".join(
        " " if char in "\t\r\n" else "\N{REPLACEMENT CHARACTER}" if unicodedata.category(char)[0] == "C" else char
        for char in str(text)
    )
