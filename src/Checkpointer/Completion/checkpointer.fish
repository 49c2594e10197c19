# Completion of checkpointer for fish. Made by: checkpointer completion fish

function __checkpointer_complete
    set -l words (commandline --tokenize --cut-at-cursor)
    set -l current (commandline --current-token --cut-at-cursor)
    set -l candidates ($words[1] complete fish -- $words[2..-1] "$current" 2>/dev/null)
    if test (count $candidates) -gt 0
        printf '%s\n' $candidates
    else
        # Where nothing fits, files do: --repo, --key-file, --stdout and others take paths.
        __fish_complete_path "$current"
    end
end

complete --command checkpointer --no-files --keep-order --arguments '(__checkpointer_complete)'
