"""``virtkit completion``: the completion of commands, options and their values, for bash, zsh and fish."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from virtkit.commands.parser import build, commands_of

__all__ = ["register", "script"]

_EXAMPLE = """examples:
  source <(virtkit completion bash)
  virtkit completion bash > ~/.local/share/bash-completion/completions/virtkit
  virtkit completion zsh > ~/.zfunc/_virtkit      with fpath+=~/.zfunc before compinit in ~/.zshrc
  virtkit completion fish > ~/.config/fish/completions/virtkit.fish
"""
SHELLS = ("bash", "zsh", "fish")


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "completion",
        help="completion of commands, options and values for bash, zsh or fish",
        description="Write a script that completes commands, options, guest OS ids, hosts and file names.",
        epilog=_EXAMPLE,
    )
    parser.add_argument("shell", choices=SHELLS, metavar="SHELL", help=f"{', '.join(SHELLS[:-1])} or {SHELLS[-1]}")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the command. Returns the exit code."""
    from virtkit.commands import tables

    tables.write(script(args.shell), None)
    return 0


@dataclass(frozen=True, slots=True)
class _Option:
    """An option: its names, its help, and what its value may be: words or files (None: it takes no value), or the words
    of a ``shared`` list."""

    names: tuple[str, ...]
    help: str
    values: tuple[str, ...] | None
    shared: str


@dataclass(frozen=True, slots=True)
class _Command:
    """A command or a verb of one: its words, its help, its verbs, its options, and the words of its arguments."""

    words: tuple[str, ...]
    help: str
    verbs: tuple[tuple[str, str], ...]
    options: tuple[_Option, ...]
    arguments: tuple[str, ...]

    @property
    def path(self) -> str:
        """Its words in a row: "policy check"; "" for the program."""
        return " ".join(self.words)


def script(shell: str) -> str:
    """The completion script of a shell: bash, zsh or fish."""
    lists = _lists()
    commands = list(_commands(build(), (), "", lists))
    return {"bash": _bash, "zsh": _zsh, "fish": _fish}[shell](commands, lists)


def _lists() -> Mapping[str, tuple[str, ...]]:
    """The values of options and arguments that take a name and list no choices, by the name of the option."""
    from virtkit import facts
    from virtkit.guests import KINDS, catalogue
    from virtkit.host import shipped
    from virtkit.host.distribution import distributions
    from virtkit.releases import PROBED, dotted

    return {
        "guest": tuple(guest.id for guest in catalogue()),
        "host": tuple(distributions()),
        "libvirt": tuple(map(dotted, PROBED)),
        "qemu": tuple(map(dotted, shipped.releases())),
        "machine": ("pc", "q35", "virt", "pseries", "s390-ccw-virtio", "microvm"),
        "machines": ("pc", "q35", "virt", "pseries", "s390-ccw-virtio", "microvm"),
        "kinds": tuple(KINDS),
        "policy": tuple(sorted(file.stem for file in facts.path("policies").glob("*.yaml"))),
    }


def _commands(
    parser: argparse.ArgumentParser, words: tuple[str, ...], text: str, lists: Mapping[str, tuple[str, ...]]
) -> Iterator[_Command]:
    """The commands below a parser, the parser itself first."""
    subs = commands_of(parser)
    helps: dict[str, str] = {}
    options: list[_Option] = []
    arguments: list[str] = []
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            helps = {choice.dest: str(choice.help or "") for choice in action._choices_actions}
        elif action.option_strings and action.help is not argparse.SUPPRESS:
            names = tuple(action.option_strings)
            shared = names[-1][2:] if names[-1][2:] in lists and action.nargs != 0 and not action.choices else ""
            options.append(_Option(names, _one_line(action), None if action.nargs == 0 else _values(action), shared))
        elif not action.option_strings:
            arguments += _values(action)
    if [action.dest for action in parser._actions if not action.option_strings] in (["policy"], ["policies"]):
        arguments += lists["policy"]
    yield _Command(words, text, tuple((name, helps.get(name, "")) for name in subs), tuple(options), tuple(arguments))
    for name, sub in subs.items():
        yield from _commands(sub, (*words, name), helps.get(name, ""), lists)


def _values(action: argparse.Action) -> tuple[str, ...]:
    return tuple(str(choice) for choice in action.choices or ())


def _one_line(action: argparse.Action) -> str:
    text = " ".join(str(action.help or "").replace("%%", "%").split())
    return text if len(text) < 80 else f"{text[:77]}…"


def _bash(commands: Sequence[_Command], lists: Mapping[str, tuple[str, ...]]) -> str:
    """The script for bash: one case for the words so far, one for the option whose value is written."""
    paths = [shlex.quote(command.path) for command in commands if command.words]
    lines = [
        "# bash completion of virtkit",
        *(f"_virtkit_{name}={shlex.quote(' '.join(words))}" for name, words in lists.items()),
        "_virtkit() {",
        "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} at='' next i",
        "    for ((i = 1; i < COMP_CWORD; i++)); do",
        "        next=\"${at:+$at }${COMP_WORDS[i]}\"",
        "        case \"$next\" in",
        f"            {'|'.join(paths)}) at=$next ;;",
        "        esac",
        "    done",
        "    case \"$at:$prev\" in",
    ]
    for command in commands:
        for option in command.options:
            if option.values is not None:
                pattern = "|".join(shlex.quote(f"{command.path}:{name}") for name in option.names)
                lines.append(f"        {pattern}) {_bash_words(option.values, option.shared)}; return ;;")
    lines += ["    esac", "    case \"$at\" in"]
    for command in commands:
        names = " ".join(name for option in command.options for name in option.names)
        words = [name for name, _ in command.verbs] or command.arguments
        lines += [
            f"        {shlex.quote(command.path)})",
            f"            if [[ $cur == -* ]]; then {_bash_words(names.split())}; else {_bash_words(words)}; fi ;;",
        ]
    lines += ["    esac", "}", "complete -o filenames -F _virtkit virtkit", ""]
    return "\n".join(lines)


def _bash_words(words: Sequence[str], shared: str = "") -> str:
    """The command that completes one of some words, or of a shared list; a file where there are none.

    ``--qemu`` also takes a file, a capability document.
    """
    if shared:
        files = " -f" if shared == "qemu" else ""
        return f'mapfile -t COMPREPLY < <(compgen{files} -W "$_virtkit_{shared}" -- "$cur")'
    if not words:
        return 'mapfile -t COMPREPLY < <(compgen -f -- "$cur")'
    return f'mapfile -t COMPREPLY < <(compgen -W {shlex.quote(" ".join(words))} -- "$cur")'


def _zsh(commands: Sequence[_Command], lists: Mapping[str, tuple[str, ...]]) -> str:
    """The script for zsh: a function for each command, which hands its arguments to ``_arguments``."""
    lines = ["#compdef virtkit", "# zsh completion of virtkit", ""]
    for name, words in lists.items():
        files = "; _files" if name == "qemu" else ""
        lines += [f"_virtkit_list_{name}() {{ compadd -- {' '.join(map(shlex.quote, words))}{files} }}", ""]
    for command in commands:
        lines += [f"{_zsh_name(command)}() {{", "    local context state state_descr line ret=1"]
        lines += ["    typeset -A opt_args", "    _arguments -C \\"]
        lines += [f"        {spec} \\" for option in command.options for spec in _zsh_option(option)]
        if not command.verbs:
            some = " ".join(command.arguments)
            lines += [f"        {shlex.quote(f'*::argument:({some})' if some else '*:file:_files')} && ret=0"]
        else:
            lines += ["        '1:command:->command' '*::argument:->argument' && ret=0", "    case $state in"]
            lines += ["        command)", "            local -a commands=("]
            lines += [f"                {shlex.quote(f'{name}:{_plain(text)}')}" for name, text in command.verbs]
            lines += ["            )", "            _describe command commands && ret=0 ;;"]
            lines += ["        argument)", "            case $line[1] in"]
            lines += [
                f"                {name}) {_zsh_name(command, name)} && ret=0 ;;" for name, _ in command.verbs
            ]
            lines += ["            esac ;;", "    esac"]
        lines += ["    return ret", "}", ""]
    lines += ['if [ "$funcstack[1]" = "_virtkit" ]; then _virtkit "$@"; else compdef _virtkit virtkit; fi', ""]
    return "\n".join(lines)


def _zsh_name(command: _Command, *more: str) -> str:
    return "_".join(("_virtkit", *command.words, *more)).replace("-", "_")


def _zsh_option(option: _Option) -> Iterator[str]:
    text = _plain(option.help)
    for name in option.names:
        spec = f"*{name}[{text}]"
        if option.shared:
            spec += f":value:_virtkit_list_{option.shared}"
        elif option.values is not None:
            spec += f":value:({' '.join(option.values)})" if option.values else ":value:_files"
        yield shlex.quote(spec)


def _plain(text: str) -> str:
    """Text without the signs that zsh reads as its own."""
    return text.replace("[", "(").replace("]", ")").replace(":", " -")


def _fish(commands: Sequence[_Command], lists: Mapping[str, tuple[str, ...]]) -> str:
    """The script for fish: one line for each command and option, with the words that must have been written."""
    lines = [
        "# fish completion of virtkit",
        "function __virtkit_at",
        "    set -l words (commandline -opc)[2..]",
        "    set -l at",
        "    for word in $words",
        "        set -l longer (string join -- ' ' $at $word)",
        "        if contains -- \"$longer\" $__virtkit_paths",
        "            set -a at $word",
        "        end",
        "    end",
        "    set -l now (string join -- ' ' $at)",
        "    test \"$now\" = \"$argv\"",
        "end",
        *(f"set -g __virtkit_{name} {' '.join(map(shlex.quote, words))}" for name, words in lists.items()),
        f"set -g __virtkit_paths {' '.join(shlex.quote(command.path) for command in commands if command.words)}",
        "",
    ]
    for command in commands:
        where = f"complete -c virtkit -n {shlex.quote(f'__virtkit_at {command.path}'.strip())}"
        for name, text in command.verbs:
            lines.append(f"{where} -f -a {name} -d {_fish_text(text)}")
        if command.arguments:
            lines.append(f"{where} -f -a {shlex.quote(' '.join(command.arguments))}")
        for option in command.options:
            flags = " ".join(f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in option.names)
            value = ""
            if option.shared:
                value = f" {'-r -F' if option.shared == 'qemu' else '-x'} -a '$__virtkit_{option.shared}'"
            elif option.values is not None:
                value = f" -x -a {shlex.quote(' '.join(option.values))}" if option.values else " -r -F"
            lines.append(f"{where} {flags}{value} -d {_fish_text(option.help)}")
    return "\n".join([*lines, ""])


def _fish_text(text: str) -> str:
    """A text in single quotes, as fish reads them."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
