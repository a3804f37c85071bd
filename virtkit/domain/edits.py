"""The edits that are made to an element of domain XML, as values; ``virtkit.domain.editor`` makes them.

``path`` names a child of the element ("target", "target/model"), "" the element itself. A child that is not there is
added when something is set in it.
"""

from __future__ import annotations

from typing import NamedTuple

from virtkit.domain.address import Address

__all__ = ["AppendChild", "Edit", "RemoveChild", "SetAddress", "SetAttribute", "SetText", "UnsetAttribute"]


class SetAttribute(NamedTuple):
    """Give an attribute a value: between the quotes of its old value, or as the last attribute."""

    path: str
    name: str
    value: str


class UnsetAttribute(NamedTuple):
    """Remove an attribute, if it is there."""

    path: str
    name: str


class SetText(NamedTuple):
    """Give an element without children a text."""

    path: str
    value: str


class RemoveChild(NamedTuple):
    """Remove the children of a name."""

    name: str


class AppendChild(NamedTuple):
    """Append a child that is XML text already."""

    xml: str


class SetAddress(NamedTuple):
    """Write an address into the ``<address>`` child, a new one if there is none."""

    address: Address


Edit = SetAttribute | UnsetAttribute | SetText | RemoveChild | AppendChild | SetAddress
