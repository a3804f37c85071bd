"""Fixtures of all tests: isolated Jupyter folders, pages in a shared chromium, and comparison with golden files."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.browser import Chromium, Page, chromiums

GOLDEN = Path(__file__).parent / "data"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--regenerate", action="store_true", help="rewrite the golden files under tests/data")
    parser.addoption("--whole", action="store_true", help="check all cases of the corpora, not one in five")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out a file whose ``pytestmark`` has a marker that ``-m "not (A or B)"`` excludes, without importing it."""
    excluded = re.fullmatch(r"not \(([\w ]+)\)", config.getoption("-m"))
    if excluded is None or not re.fullmatch(r"test_\w+\.py", collection_path.name):
        return None
    marks = re.search(r"^pytestmark = (\[.*?^\]|.*?$)", collection_path.read_text(encoding="utf-8"), re.M | re.S)
    named = set(re.findall(r"pytest\.mark\.(\w+)", marks[1])) if marks else set()
    return True if named & set(excluded[1].split(" or ")) else None


@pytest.fixture(scope="session", autouse=True)
def apart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Kernels started by tests neither read nor write the user's folders."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR"):
            patch.setenv(name, str(tmp_path_factory.mktemp(name.lower())))
        yield


@pytest.fixture
def whole(request: pytest.FixtureRequest) -> bool:
    """Whether every case of the conformance corpora is checked."""
    return bool(request.config.getoption("--whole"))


@pytest.fixture(scope="session")
def running_chromium() -> Iterator[Callable[[], Chromium]]:
    """Gives the one chromium for all tests of a worker; another one when it has ended."""
    with chromiums() as running:
        yield running


@pytest.fixture
def page(running_chromium: Callable[[], Chromium]) -> Iterator[Page]:
    """A new page: light, with scripts, on a screen of 1280 by 900 pixels."""
    opened = Page(running_chromium())
    yield opened
    opened.close()


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """``golden(name, text)`` compares text with ``tests/data/NAME``, or rewrites it under ``--regenerate``."""

    def compare(name: str, text: str) -> None:
        file = GOLDEN / name
        if request.config.getoption("--regenerate"):
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        assert file.is_file(), f"golden file {name} is missing; write it with --regenerate"
        assert text == file.read_text(encoding="utf-8")

    return compare
