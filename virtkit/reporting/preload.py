"""The module that the fork server imports once, so that every notebook starts with its packages loaded."""

from virtkit.reporting.execute import preload

preload()
