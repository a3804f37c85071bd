"""Imported once by the process that workers are forked from, so that each of them starts warm."""

from virtkit.reporting.execute import prepare

prepare()
