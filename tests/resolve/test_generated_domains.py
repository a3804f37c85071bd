"""What random domains become: every platform, with the releases that were compared with libvirt itself."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.generated import SECTIONS, resolutions


@pytest.mark.parametrize(("release", "platform"), SECTIONS)
def test_random_domains_resolve_as_libvirt_did(
    release: str, platform: str, golden: Callable[[str, str], None]
) -> None:
    """Refusals, XML, reasons, ids, lines and interfaces stay those of the code that gives libvirt's answers.

    The code that wrote the files agreed with every case of the conformance corpora of these releases.
    """
    lines = [line for line, _ in resolutions(release, platform)]
    golden(f"generated/{release}/{platform}.txt", "\n".join([*lines, ""]))
