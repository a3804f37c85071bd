"""The renderers of every value that shows itself, by the room of its class."""

from __future__ import annotations

__all__ = ["load"]


def load(shown: type) -> None:
    """Import the module that registers the renderers of ``shown`` with ``virtkit.display``.

    Only the module of its room is imported, because other rooms may need optional packages: most values must show
    themselves with lxml alone. Does nothing for a class of another package.
    """
    package, _, place = shown.__module__.partition(".")
    match place.split(".")[0] if package == "virtkit" else "":
        case "domain" | "resolution" | "resolved":
            import virtkit.notebook.domains
        case "topology":
            import virtkit.notebook.topologies
        case "boot":
            import virtkit.notebook.starts
        case "hotplug":
            import virtkit.notebook.upgrades
        case "host":
            import virtkit.notebook.hosts
        case "guests":
            import virtkit.notebook.guests
        case "compat" if place == "compat.frame":
            import virtkit.notebook.matrices
        case "compat":
            import virtkit.notebook.reviews
        case "policy":
            import virtkit.notebook.policies
        case "fleet":
            import virtkit.notebook.fleets  # noqa: F401
