"""`genesis completion`: a script that completes commands and options in a shell, without starting Genesis."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, get_args

import typer

from genesis.commands.light_command import LightCommand
from genesis.core.fault import GenesisError
from genesis.providers.kilocode.levels import OFFERED

HOW = {
    "bash": "genesis completion bash > ~/.local/share/bash-completion/completions/genesis",
    "zsh": "genesis completion zsh > ~/.zfunc/_genesis, with `fpath+=~/.zfunc` before `compinit` in ~/.zshrc",
    "fish": "genesis completion fish > ~/.config/fish/completions/genesis.fish",
}


# Words that a command takes as its argument.
_ARGUMENTS: Mapping[tuple[str, ...], Sequence[str]] = {("completion",): tuple(HOW)}
Values = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Word:
    """A command or an option, and what it does."""

    text: str
    help: str = ""


@dataclass(frozen=True)
class Place:
    """What may come behind these commands: other commands or words, and options. `valued` are those that want a value."""

    path: tuple[str, ...]
    commands: tuple[Word, ...]
    options: tuple[Word, ...]
    valued: tuple[str, ...]

    @property
    def words(self) -> tuple[Word, ...]:
        """Commands before options."""
        return (*self.commands, *self.options)


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("completion", cls=LightCommand)(completion)


def completion(shell: Annotated[str, typer.Argument(help="bash, zsh or fish.")]) -> None:
    """Print the script. Its first lines say where to put it."""
    scripts = {"bash": _bash, "zsh": _zsh, "fish": _fish}
    if shell not in scripts:
        raise GenesisError(f'There is no completion for "{shell}". Use {", ".join(scripts)}.')
    sys.stdout.write(scripts[shell](list(places()), fixed_values()))


def fixed_values() -> Mapping[str, Sequence[str]]:
    """What may stand behind an option, where only some words may; those of plug-ins that are installed now."""
    from genesis.commands.onboard_options import CHOICES, DEVICE, SKIP
    from genesis.providers.registry import Registry
    from genesis.session.approval import Mode

    manifests = Registry().manifests
    ways = [one.auth_choice.id for one in manifests.values() if one.auth_choice is not None]
    providers = dict.fromkeys(
        ("--provider", "--probe-provider", "--token-provider"), tuple(manifests)
    )
    return {
        **CHOICES,
        **providers,
        "--approve": get_args(Mode),
        "--auth-choice": [*ways, DEVICE, "apiKey", SKIP],
        "--format": ["markdown", "json"],
        "--session": ["last"],
        "--thinking": OFFERED,
    }


def places() -> Iterator[Place]:
    """Every place of the command line; loads all commands."""
    from genesis.main import DEFAULT, make_app

    program = typer.main.get_command(make_app())
    root, *others = _below(program, None, ())
    usual = next(place for place in others if place.path == (DEFAULT,))
    # Without a command the options are those of the chat.
    more = tuple(word for word in usual.options if word not in root.options)
    yield replace(root, options=root.options + more, valued=root.valued + usual.valued)
    yield from others


def _below(command: Any, parent: Any, path: tuple[str, ...]) -> Iterator[Place]:
    context = command.context_class(command, info_name=path[-1] if path else "genesis", parent=parent)  # fmt: skip
    inner = {}
    if hasattr(command, "list_commands"):
        found = {
            name: command.get_command(context, name) for name in command.list_commands(context)
        }
        inner = {name: one for name, one in found.items() if one is not None and not one.hidden}
    commands = tuple(Word(name, one.get_short_help_str(80)) for name, one in inner.items())
    commands += tuple(Word(word, f"For {word}.") for word in _ARGUMENTS.get(path, ()))
    yield Place(path, commands, *_options(command, context))
    for name, one in inner.items():
        yield from _below(one, context, (*path, name))


def _options(command: Any, context: Any) -> tuple[tuple[Word, ...], tuple[str, ...]]:
    found: list[Word] = []
    valued: list[str] = []
    for one in command.get_params(context):
        names = [name for name in (*one.opts, *one.secondary_opts) if name.startswith("-")]
        if not names or getattr(one, "hidden", False):
            continue
        told = " ".join((getattr(one, "help", None) or "").split())
        found += [Word(name, told) for name in names if name.startswith("--")]
        if not one.is_flag and not getattr(one, "count", False):
            valued += names
    return tuple(found), tuple(valued)


_BASH = """# Completion of genesis for bash.
# {how}
_genesis_place() {{
  case "$1" in
{cases}
    *) words=''; valued='' ;;
  esac
}}
_genesis_values() {{
  case "$1" in
{values}
    *) return 1 ;;
  esac
}}
_genesis() {{
  local current="${{COMP_WORDS[COMP_CWORD]}}" before="${{COMP_WORDS[COMP_CWORD-1]}}"
  local place='' words valued word i
  _genesis_place ''
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="${{COMP_WORDS[i]}}"
    if [[ "$word" != -* && " $words " == *" $word "* ]]; then
      place="${{place:+$place }}$word"
      _genesis_place "$place"
    fi
  done
  if [[ " $valued " == *" $before "* ]]; then
    if word="$(_genesis_values "$before")"; then
      COMPREPLY=($(compgen -W "$word" -- "$current"))
    else
      COMPREPLY=($(compgen -f -- "$current"))
    fi
    return
  fi
  if [[ "$current" != -* ]]; then
    words=" $words "
    while [[ "$words" == *" -"* ]]; do
      word="${{words#* -}}"; word="-${{word%% *}}"
      words="${{words/ $word / }}"
    done
  fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}}
complete -o default -F _genesis genesis
"""

_ZSH = """#compdef genesis
# Completion of genesis for zsh.
# {how}
_genesis() {{
  local place='' word i
  local -a found valued
  _genesis_place ''
  for ((i = 2; i < CURRENT; i++)); do
    word="${{words[i]}}"
    if [[ "$word" != -* ]] && (( ${{found[(I)${{word}}:*]}} )); then
      place="${{place:+$place }}$word"
      _genesis_place "$place"
    fi
  done
  if (( ${{valued[(Ie)${{words[CURRENT-1]}}]}} )); then
    case "${{words[CURRENT-1]}}" in
{values}
      *) _files ;;
    esac
    return
  fi
  if [[ "${{words[CURRENT]}}" != -* ]]; then
    found=("${{(@)found:#-*}}")
  fi
  (( ${{#found}} )) && _describe 'genesis' found || _files
}}
_genesis_place() {{
  case "$1" in
{cases}
    *) found=(); valued=() ;;
  esac
}}
if [[ "$funcstack[1]" == _genesis ]]; then
  _genesis "$@"
else
  compdef _genesis genesis
fi
"""

_FISH = """# Completion of genesis for fish.
# {how}
function __genesis_place
    set -l place ''
    set -l words (commandline -opc)
    set -e words[1]
    for word in $words
        set -l next (string trim -- "$place $word")
        if contains -- $next {places}
            set place $next
        end
    end
    echo $place
end
complete -c genesis -f
{rows}
"""


def _bash(all_places: list[Place], values: Values) -> str:
    rows = []
    for place in all_places:
        words = " ".join(word.text for word in place.words)
        rows.append(
            f"    '{' '.join(place.path)}') words='{words}'; valued='{' '.join(place.valued)}' ;;"
        )
    told = [f"    {name}) echo '{' '.join(words)}' ;;" for name, words in values.items()]
    return _BASH.format(how=HOW["bash"], cases="\n".join(rows), values="\n".join(told))


def _zsh(all_places: list[Place], values: Values) -> str:
    rows = []
    for place in all_places:
        told = " ".join(_quoted(f"{word.text}:{word.help}") for word in place.words)
        rows.append(
            f"    '{' '.join(place.path)}') found=({told}); valued=({' '.join(place.valued)}) ;;"
        )
    shown = [f"      {name}) compadd -- {' '.join(words)} ;;" for name, words in values.items()]
    return _ZSH.format(how=HOW["zsh"], cases="\n".join(rows), values="\n".join(shown))


def _fish(all_places: list[Place], values: Values) -> str:
    paths = " ".join(_fish_quoted(" ".join(place.path)) for place in all_places if place.path)
    lines = []
    for place in all_places:
        here = f'test "$(__genesis_place)" = "{" ".join(place.path)}"'
        head = f"complete -c genesis -n {_fish_quoted(here)}"
        for word in place.words:
            wants = _fish_value(word.text, values) if word.text in place.valued else ""
            what = f"-l {word.text[2:]}{wants}" if word.text.startswith("--") else f"-a {word.text}"
            lines.append(f"{head} {what} -d {_fish_quoted(word.help)}")
    return _FISH.format(how=HOW["fish"], places=paths, rows="\n".join(lines))


def _fish_value(option: str, values: Values) -> str:
    words = values.get(option)
    return " -r -F" if words is None else f" -x -a {_fish_quoted(' '.join(words))}"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _fish_quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
