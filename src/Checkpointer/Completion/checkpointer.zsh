#compdef checkpointer
# Completion of checkpointer for zsh. Made by: checkpointer completion zsh

_checkpointer() {
    local -a candidates
    candidates=("${(@f)$("${words[1]}" complete zsh -- "${(@)words[2,CURRENT]}" 2>/dev/null)}")
    if [[ -n "${candidates[1]}" ]]; then
        _describe -V 'checkpointer' candidates
    else
        # Where nothing fits, files do: --repo, --key-file, --stdout and others take paths.
        _files
    fi
}

if [[ "${funcstack[1]}" == "_checkpointer" ]]; then
    _checkpointer "$@"
else
    compdef _checkpointer checkpointer
fi
