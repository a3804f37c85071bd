"""One input to one target: the result, the time, and what counts as a finding."""

from __future__ import annotations

import io
import pickle
import re
import signal
import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import virtkit
from fuzzing.targets import Target, pick_of
from fuzzing.way import Broken
from virtkit.errors import VirtkitError

__all__ = ["LIMIT", "Attempt", "attempt", "forbid_hangs"]

LIMIT = 1.0
"""The most processor time in seconds that an input of up to 64 KiB may take."""
_STOPPED = 10.0
_HOME = str(Path(virtkit.__file__).parent)


class _Hang(BaseException):
    """The input took _STOPPED seconds of processor time."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """The result for one input: "read", "nothing", "refused" or "found"; of a finding, the ``key`` that is the same for
    findings with the same cause, and the ``text`` that describes it. ``seconds`` of processor time."""

    result: str
    seconds: float
    key: str = ""
    text: str = ""


def forbid_hangs() -> None:
    """Stop an input that takes 10 s of processor time."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise _Hang

    signal.signal(signal.SIGPROF, stop)


def attempt(target: Target, data: bytes, every: bool = False) -> Attempt:
    """Give an input to a target; ``every`` asks for every view of the whole way."""
    began = time.process_time()
    key = text = ""
    try:
        signal.setitimer(signal.ITIMER_PROF, _STOPPED)
        result = "read" if target.take(data, every) else "nothing"
    except VirtkitError as error:
        result = "refused"
        problem = _message_problem(error, every or pick_of(data) % 16 == 0)
        if problem:
            result, key, text = "found", f"{problem}: {type(error).__name__} {_place(error)}", f"{problem}: {error!r}"
    except _Hang as error:
        result, key, text = "found", f"hang {_place(error)}", traceback.format_exc(limit=-12)
    except Exception as error:
        name = error.name if isinstance(error, Broken) else type(error).__name__
        place = re.sub(r"[0-9]+", "N", error.kind) if isinstance(error, Broken) else _place(error)
        result, key, text = "found", f"{name} {place}".strip(), "".join(traceback.format_exception(error, limit=-6))
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    seconds = time.process_time() - began
    if seconds > LIMIT and result != "found":
        result, key, text = "found", "slow", f"{seconds:.2f} s for {len(data)} bytes"
    return Attempt(result, seconds, key, text)


def _message_problem(error: VirtkitError, pickled: bool) -> str:
    """What is wrong with the message of an error: it is one line of bounded length, and crosses processes."""
    text = str(error)
    if not text.isprintable():
        return "a message of several lines or with control characters"
    if len(text) > 4000:
        return "an endless message"
    if pickled and str(_copied(error)) != text:
        return "an error that changes in another process"
    return ""


def _copied(error: VirtkitError) -> object:
    """The error as a process of a pool receives it. The pickling that distributed adds to exceptions is left out: it
    also takes the error that came before, and lxml's cannot be copied."""
    stream = io.BytesIO()
    pickler = pickle.Pickler(stream)
    pickler.dispatch_table = {}
    pickler.dump(error)
    return pickle.loads(stream.getvalue())  # noqa: S301 (our own bytes)


def _place(error: BaseException) -> str:
    """The innermost function of virtkit that an error passed."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.startswith(_HOME)]
    if not frames:
        return "outside"
    return f"{Path(frames[-1].filename).relative_to(_HOME)}:{frames[-1].name}"
