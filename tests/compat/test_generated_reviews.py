"""Whole reviews of random domains for guests of every kind."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.generated import SECTIONS, reviews


@pytest.mark.parametrize(("release", "platform"), [one for one in SECTIONS if one[0] in ("9.0", "12.8")])
def test_random_domains_are_reviewed_as_before(
    release: str, platform: str, golden: Callable[[str, str], None]
) -> None:
    """Verdicts, reasons, conditions, sources, remedies, remarks and the changed text stay as they were checked."""
    lines = [line for line, _ in reviews(release, platform)]
    golden(f"generated/{release}/{platform}.reviews", "\n".join([*lines, ""]))
