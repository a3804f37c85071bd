"""Where random running domains put one more device of each kind."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.generated import SECTIONS, attached


@pytest.mark.parametrize(("release", "platform"), [one for one in SECTIONS if one[0] in ("9.0", "12.8")])
def test_random_running_domains_take_devices_as_before(
    release: str, platform: str, golden: Callable[[str, str], None]
) -> None:
    """The place of each device, or the sentence of the refusal."""
    lines = [line for line, _ in attached(release, platform)]
    golden(f"generated/{release}/{platform}.attached", "\n".join([*lines, ""]))
