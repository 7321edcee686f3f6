# Shared by bin/run, bin/install, bin/test and bin/check, which source it from the project's root: keep .venv in order.
# After `ensure_venv FILE`, .venv/bin/python runs with the packages that FILE pins; when nothing changed this takes
# a few milliseconds and needs no network.

fail() {
    printf '%s\n' "$*" >&2
    exit 1
}

# Run a command with its output in $log, so that it ends with this shell: by Ctrl-C, SIGTERM, and SIGKILL too.
quietly() {
    "$@" >"$log" 2>&1 &
    job=$! guard=''
    trap 'kill "$job" $guard 2>/dev/null; wait; rm -f "$log"; exit 143' TERM HUP
    trap 'kill "$job" $guard 2>/dev/null; wait; rm -f "$log"; exit 130' INT
    { while kill -0 $$; do sleep 1; done; kill "$job"; } >/dev/null 2>&1 &
    guard=$!
    wait "$job" && outcome=0 || outcome=$?
    kill "$guard" 2>/dev/null || true
    wait "$guard" 2>/dev/null || true
    trap - INT TERM HUP
    return "$outcome"
}

# Set $python to the first Python that can do it: $PYTHON and no other when that is set.
find_python() {
    python='' old='' bare=''
    if [ -n "${PYTHON:-}" ]; then
        set -- "$PYTHON"
    else
        set -- python3 python3.14 python3.13 python3.12 python3.11
    fi
    for candidate; do
        command -v "$candidate" >/dev/null 2>&1 || continue
        if ! "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
            old="$old $candidate"
        elif ! "$candidate" -c 'import ensurepip, venv' >/dev/null 2>&1; then
            bare="$bare $candidate"
        else
            python=$candidate
            return
        fi
    done
    [ -z "$bare" ] || fail "Redress needs Python's venv module, which is missing from$bare. On Debian or Ubuntu:" \
        "apt-get install python3-venv   (as root), then start this again."
    [ -z "$old" ] || fail "Redress needs Python 3.11 or newer, and found only:$old. Install a newer one," \
        "or name it: PYTHON=/path/to/python3.11 $0"
    fail "Redress needs Python 3.11 or newer, and found none. Install it, or name it: PYTHON=/path/to/python3.11 $0"
}

# What .venv must have been made from: its place, Python's version, and the pins.
stamp_of() {
    .venv/bin/python -c 'import sys; print(*sys.version_info[:2])' 2>/dev/null || return 1
    pwd -P
    cat "$1"
}

# What a site needs: the driver of PostgreSQL too, where DATABASE_URL names a server.
ensure_venv_for_site() {
    if [ -n "${DATABASE_URL:-}${DATABASE_URL_FILE:-}" ]; then
        ensure_venv requirements-postgres.txt requirements.txt
    else
        ensure_venv requirements.txt ''
    fi
}

is_ready() {
    [ ! -e .venv/unfinished ] && [ -e ".venv/stamp-$1" ] && stamp_of "$1" 2>/dev/null | cmp -s - ".venv/stamp-$1"
}

# A .venv that an interrupted install left, that was moved, or whose Python is gone, is made anew.
is_usable() {
    [ ! -e .venv/unfinished ] || return 1
    .venv/bin/python -c 'import pip, sys; sys.exit(sys.prefix == sys.base_prefix)' >/dev/null 2>&1 || return 1
    for stamp in .venv/stamp-*; do
        [ ! -e "$stamp" ] || [ "$(sed -n 1,2p "$stamp")" = "$(stamp_of /dev/null)" ] || return 1
    done
}

# One at a time: a second start would take the half-made .venv of the first away. The lock is a link whose target is the
# number of its holder, so that one left behind by a holder that is gone can be told and taken away.
lock_venv() {
    told=''
    until ln -s "$$" .venv.lock 2>/dev/null; do
        holder=$(readlink .venv.lock) || { [ -w . ] || return 0; continue; }
        if ! kill -0 "$holder" 2>/dev/null; then
            rm -f .venv.lock
            continue
        fi
        [ -n "$told" ] || printf 'Waiting for another start that is installing packages here ...\n' >&2
        told=yes
        sleep 1
    done
}

ensure_venv() {
    is_ready "$1" && return
    lock_venv
    is_ready "$1" || install_venv "$@"
    rm -f .venv.lock
}

install_venv() {
    if ! is_usable; then
        find_python
        printf 'Making .venv with %s ...\n' "$("$python" -V 2>&1)" >&2
        { rm -rf .venv && mkdir .venv && : >.venv/unfinished; } 2>/dev/null ||
            fail "The folder $PWD cannot be written to, so .venv cannot be made there. Change its permissions, or use" \
                "a copy of it in a folder of yours."
        log=$(mktemp) || fail "There is no room for temporary files. Make some, or set TMPDIR to another folder."
        quietly "$python" -m venv .venv || not_installed "The virtual environment .venv could not be made."
    else
        { : >.venv/unfinished; } 2>/dev/null ||
            fail "The folder $PWD/.venv cannot be written to. Change its permissions, or delete it."
        log=$(mktemp) || fail "There is no room for temporary files. Make some, or set TMPDIR to another folder."
    fi
    printf 'Installing the packages that %s names; this happens once ...\n' "$1" >&2
    # The files name every package, those that others need too: nothing is left for pip to choose. Older pips would choose
    # (and then refuse) a newer release of a package that is needed with an extra.
    quietly env PIP_USER=0 PIP_DISABLE_PIP_VERSION_CHECK=1 .venv/bin/python -m pip install --no-input --no-deps \
        --require-hashes -r "$1" || not_installed "The packages could not be installed. Check the connection to the network and try again."
    for file in "$1" $2; do
        stamp_of "$file" >".venv/stamp-$file"
    done
    rm -f .venv/unfinished "$log"
}

# pip downloads and checks everything before it changes anything: what was there still works after going back.
not_installed() {
    printf '%s The last lines said:\n' "$1" >&2
    tail -n 5 "$log" >&2
    rm -f "$log" .venv/unfinished .venv/stamp-*
    exit 1
}
