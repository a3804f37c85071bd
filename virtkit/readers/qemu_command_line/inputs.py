"""The command lines of an input: a process's cmdline, output of ps, a shell script, or a log of libvirt."""

from __future__ import annotations

import re

from virtkit.readers.qemu_command_line.shell import commands
from virtkit.readers.qemu_command_line.words import CommandLine, Word, is_emulator

__all__ = ["command_lines", "looks_like_command_line", "looks_like_configuration"]

_LOOKED_AT = 1 << 20
_NAMED = re.compile(rb"(?:^|[\s/'\"=\0(])(?:qemu-system-[a-z0-9_]+|qemu-kvm|kvm|kvm-spice)(?=[\s\0'\"]|$)")
_KVM_ONLY = re.compile(rb"(?:^|\n)[^\n#]*(?:/usr/(?:bin|libexec)/(?:qemu-)?kvm|^kvm)[\s\0]")
_GROUP = re.compile(rb'^\[(?:device "[^"\n]*"|machine|drive "[^"\n]*")\][ \t]*\n\s*[a-z-]+ = "', re.M)
_STARTED = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[^:]*: starting up libvirt version: [^\n]*$", re.M)
_RELEASE = re.compile(r"qemu version: (\d+)\.(\d+)")
_ENVIRONMENT = re.compile(r"[A-Z_][A-Za-z0-9_]*=")


def looks_like_command_line(data: bytes) -> bool:
    """Whether the bytes name a QEMU emulator as a program that is started with options."""
    part = data[:_LOOKED_AT]
    start = part.lstrip(b"\xef\xbb\xbf \t\r\n")[:16]
    if not start or start.startswith((b"<", b"{", b"[", b"---", b"apiVersion:", b"kind:")):
        return False
    match = _NAMED.search(part)
    return match is not None and (b" -" in part or b"\0-" in part or b"\t-" in part or b"\n-" in part)


def looks_like_configuration(data: bytes) -> bool:
    """Whether the bytes are a configuration file for ``-readconfig``, with a group that describes a machine."""
    return data.lstrip()[:1] in (b"[", b"#") and _GROUP.search(data[:_LOOKED_AT]) is not None


def command_lines(text: str) -> list[CommandLine]:
    """Every start of QEMU in an input, in order; of libvirt's log only the last one."""
    if "\0" in text:
        return _started([_of_process(text)])
    starts = list(_STARTED.finditer(text))
    if starts:
        return _of_log(text, starts)
    lines = text.split("\n")
    if _is_process_list(lines):
        return _started([_of_listed(line, number) for number, line in enumerate(lines, 1) if "-" in line])
    return _started(commands(text))


def _started(found: list[CommandLine]) -> list[CommandLine]:
    lines = [line.starting_at_emulator() for line in found]
    return [line for line in lines if line is not None and len(line.words) > 1]


def _of_process(text: str) -> CommandLine:
    return CommandLine(tuple(Word(one, 1) for one in text.rstrip("\0\n").split("\0")))


def _of_log(text: str, starts: list[re.Match[str]]) -> list[CommandLine]:
    last = starts[-1]
    line = text.count("\n", 0, last.end()) + 2
    rest = text[last.end() + 1 :]
    notes = []
    if len(starts) > 1:
        notes.append(f"the log has {len(starts)} starts; this is the last, of line {line - 1}")
    release = _RELEASE.search(last[0])
    qemu = (int(release[1]), int(release[2])) if release else None
    found = _started(commands(rest, line))[:1]
    return [CommandLine(one.words, (*notes, *one.notes), qemu) for one in found]


def _is_process_list(lines: list[str]) -> bool:
    """Whether the lines are output of ps: a heading, or a process number before the emulator."""
    for line in lines:
        words = line.split()
        if not words:
            continue
        if ("PID" in words and ("CMD" in words or "COMMAND" in words)) or words[-1:] == ["COMMAND"]:
            return True
        before = []
        for word in words:
            if is_emulator(word):
                break
            before.append(word)
        else:
            continue
        return any(word.isdigit() for word in before[:2]) and not any("=" in word for word in before)
    return False


def _of_listed(line: str, number: int) -> CommandLine:
    """A line of ps, which shows arguments without quotes: a word that begins no option belongs to the one before."""
    words: list[str] = []
    notes = []
    seen = False
    for part in line.split():
        open_json = bool(words) and words[-1].startswith("{") and words[-1].count("{") > words[-1].count("}")
        stray = (
            seen and len(words) > 1 and not part.startswith("-") and not words[-1].startswith("-") and not open_json
        )
        seen = seen or is_emulator(part)
        if open_json:
            words[-1] += " " + part
        elif stray and not is_emulator(words[-1]):
            words[-1] += " " + part
            option = next((word for word in reversed(words) if word.startswith("-")), "an option")
            notes.append(f"line {number}: ps shows no quotes; a word is read as part of the value of {option[:40]}")
        else:
            words.append(part)
    return CommandLine(tuple(Word(one, number) for one in words), tuple(notes[:3]))
