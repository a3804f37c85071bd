"""The names that a newcomer meets: few, listed by Tab, each with an example that runs."""

from __future__ import annotations

import doctest
import inspect
import subprocess
import sys
from types import ModuleType
from typing import Any

import pytest

import virtkit as vk
from virtkit.fleet.rollout import review_rollout
from virtkit.policy import comparison, scoring, slots
from virtkit.policy.review import review

FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
SHOWN = {"explorer"}  # a widget: its example is shown, not run
CLASSES = [name for name in vk.__all__ if inspect.isclass(getattr(vk, name))]
FUNCTIONS = [name for name in vk.__all__ if name not in CLASSES]
POLICIES = [comparison.evaluate, scoring.score, review, review_rollout, slots.compare]


def examples(thing: Any, name: str) -> list[doctest.DocTest]:
    """The doctests of a thing and of what it holds."""
    module = thing if isinstance(thing, ModuleType) else sys.modules[thing.__module__]
    finder = doctest.DocTestFinder(exclude_empty=True)
    return [test for test in finder.find(thing, name, module=module, globs={}) if test.examples]


@pytest.mark.parametrize("name", ["virtkit", *vk.__all__])
def test_examples_run(name: str) -> None:
    """What a docstring shows is what comes out; each function has an example, each class says what it is."""
    thing = vk if name == "virtkit" else getattr(vk, name)
    found = examples(thing, name)
    assert thing.__doc__
    assert not thing.__doc__.startswith(f"{name}(")  # what dataclass writes by itself
    assert found or name not in FUNCTIONS
    for test in found if name not in SHOWN else ():
        said: list[str] = []
        failed = doctest.DocTestRunner(optionflags=FLAGS).run(test, out=said.append).failed
        assert failed == 0, "".join(said)


@pytest.mark.parametrize("function", POLICIES, ids=lambda function: f"{function.__module__}.{function.__name__}")
def test_examples_of_policies_run(function: Any) -> None:
    """What one does with policies has an example each, too."""
    (test,) = examples(function, function.__name__)
    said: list[str] = []
    assert doctest.DocTestRunner(optionflags=FLAGS).run(test, out=said.append).failed == 0, "".join(said)


def test_first_mistakes_get_a_clear_message() -> None:
    """A file that is missing, and a value that is no domain, are named."""
    for function in (vk.read, vk.resolve, vk.check):
        with pytest.raises(vk.InputError, match=r"guest\.xml: cannot be read: No such file"):
            function("guest.xml")
    wrong: Any = 7
    for function in (vk.resolve, vk.check):
        with pytest.raises(TypeError, match="expects a Domain, a path, text or bytes, got int"):
            function(wrong)


@pytest.mark.parametrize("name", CLASSES)
def test_every_public_attribute_says_what_it_is(name: str) -> None:
    """Methods and properties of the public classes have docstrings."""
    own = {
        key: value
        for base in getattr(vk, name).__mro__
        if base.__module__.startswith("virtkit")
        for key, value in vars(base).items()
        if not key.startswith("_") and (callable(value) or isinstance(value, property))
    }
    assert [key for key, value in own.items() if not value.__doc__] == []


@pytest.mark.slow
def test_tab_lists_the_public_names_and_nothing_else() -> None:
    """``vk.<TAB>`` in IPython gives the public names, before and after modules are loaded, and loads none of them."""
    code = (
        "import sys, virtkit as vk\n"
        "from IPython.core.interactiveshell import InteractiveShell\n"
        "from IPython.core.completer import provisionalcompleter\n"
        "shell = InteractiveShell.instance(); shell.run_line_magic('config', 'HistoryManager.enabled=False')\n"
        "shell.push({'vk': vk})\n"
        "def tab(text):\n"
        "    with provisionalcompleter():\n"
        "        found = shell.Completer.completions(text, len(text))\n"
        "        return sorted({one.text.lstrip('.') for one in found if not one.text.lstrip('.').startswith('_')})\n"
        "for jedi in (True, False):\n"
        "    shell.Completer.use_jedi = jedi\n"
        "    assert tab('vk.') == sorted(vk.__all__), tab('vk.')\n"
        "    shell.run_cell(\"r = vk.resolve(vk.read(vk.samples() / 'rhel6-q35-virtio.xml')); v = vk.check(r)\")\n"
        "    assert tab('vk.') == sorted(vk.__all__), tab('vk.')\n"
        "    assert {'topology', 'trace', 'xml', 'virtio_devices'} <= set(tab('r.')), tab('r.')\n"
        "    assert {'findings', 'changes', 'ok', 'text'} <= set(tab('v.')), tab('v.')\n"
        "    assert {'from_file', 'named'} <= set(tab('vk.Host.')), tab('vk.Host.')\n"
        "    assert 'machine=' in tab('vk.resolve(r.domain, mach')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_asking_for_the_names_loads_nothing() -> None:
    """``dir(vk)`` imports no further module."""
    code = "import sys, virtkit; before = set(sys.modules); dir(virtkit); assert set(sys.modules) == before"
    subprocess.run([sys.executable, "-c", code], check=True)
