"""The scripts with which bash and zsh ask what may stand next on a command line.

Knows these shells. Must not know what is offered. Typer's own scripts add a space behind `city=`, and in bash lose what
stands before the `=`. Ours ask as Typer's script for fish does, which needs neither: see
docs/decisions/009-shells-ask-as-fish-does.md.
"""

from __future__ import annotations

ASK = "_TYPER_COMPLETE_FISH_ACTION=get-args %(autocomplete_var)s=complete_fish"

BASH = f"""
%(complete_func)s() {{
    # bash takes a word apart at the = and : within it, and hands over the last part alone
    local typed="${{COMP_LINE:0:COMP_POINT}}" offer
    local word="${{typed##*[[:space:]]}}"
    local cut="${{word%%"$2"}}"
    COMPREPLY=()
    while IFS=$'\\t' read -r offer _; do
        [[ -n $offer && $offer == "$cut"* ]] || continue
        [[ $offer == *= ]] && compopt -o nospace
        COMPREPLY+=( "$(printf '%%q' "${{offer#"$cut"}}")" )
    done < <( env _TYPER_COMPLETE_ARGS="$typed" {ASK} "$1" 2>/dev/null )
}}

complete -o default -F %(complete_func)s %(prog_name)s
"""

ZSH = f"""
#compdef %(prog_name)s

%(complete_func)s() {{
  local line value
  local -a offers whole open
  offers=("${{(@f)$(env _TYPER_COMPLETE_ARGS="${{words[1,$CURRENT]}}" {ASK} "${{words[1]}}" 2>/dev/null)}}")
  for line in $offers; do
    value=${{${{line%%%%$'\\t'*}}//:/\\\\:}}
    [[ $line == *$'\\t'* ]] && line="$value:${{line#*$'\\t'}}" || line=$value
    [[ $value == *= ]] && open+=($line) || whole+=($line)
  done
  (( $#whole + $#open )) || {{ _files; return }}
  _describe %(prog_name)s whole -- open -S ''
}}

compdef %(complete_func)s %(prog_name)s
"""


def use_our_scripts() -> None:
    """Let `--show-completion` and `--install-completion` give these; where Typer keeps its own elsewhere, they stay."""
    try:
        from typer._completion_shared import _completion_scripts
    except ImportError:
        return
    _completion_scripts.update(bash=BASH, zsh=ZSH)
