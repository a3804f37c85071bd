"""The renderers of every value that shows itself: importing a module of this room registers its own."""

from __future__ import annotations

__all__ = ["load"]


def load(shown: type) -> None:
    """Register the renderers of ``shown``, a class that is to be shown, with ``virtkit.display``.

    Matrices are apart, because their class needs pandas and the other values must show themselves without it.
    """
    if shown.__module__ == "virtkit.compat.frame":
        from virtkit.notebook import matrices

        _ = matrices
        return
    from virtkit.notebook import domains, guests, hosts, policies, reviews, topologies

    _ = domains, guests, hosts, policies, reviews, topologies
