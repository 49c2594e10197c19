# Completion of checkpointer for bash. Made by: checkpointer completion bash

_checkpointer() {
    local line
    COMPREPLY=()
    while IFS= read -r line; do
        COMPREPLY+=("$(printf '%q' "$line")")
    done < <("${COMP_WORDS[0]}" complete bash -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}

# Where nothing fits, files do: --repo, --key-file, --stdout and others take paths.
complete -o default -o nosort -F _checkpointer checkpointer
