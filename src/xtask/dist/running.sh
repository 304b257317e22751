# What runs from a program's file, and how it is ended: read by the package's scripts and by install.sh.

# The processes that run from the file, or from one that it has replaced.
running_from() { # program
    for directory in /proc/[0-9]*; do
        case $(readlink "$directory/exe" 2>/dev/null) in
            "$1" | "$1 (deleted)") echo "${directory#/proc/}" ;;
        esac
    done
}

# Runs the program as the user of that process, and where that one looks for its files.
as_user_of() { # process, program, arguments...
    process=$1
    shift
    uid=$(sed -n 's/^Uid:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$process/status")
    gid=$(sed -n 's/^Gid:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$process/status")
    value() { tr '\0' '\n' <"/proc/$process/environ" | sed -n "s/^$1=//p" | head -n 1; }
    home=$(value HOME)
    run=$(value XDG_RUNTIME_DIR)
    # Without a value it is unset: an empty one would be a path.
    set -- env -i "HOME=$home" ${run:+"XDG_RUNTIME_DIR=$run"} PATH=/usr/bin:/bin "$@"
    if [ "$uid" = "$(id -u)" ]; then
        "$@"
    else
        setpriv --reuid="$uid" --regid="$gid" --clear-groups -- "$@"
    fi
}

# Asks everything that runs from the file to end; what does not is killed after ten seconds.
end_all() { # program
    for signal in TERM KILL; do
        tries=100
        told=
        while numbers=$(running_from "$1") && [ -n "$numbers" ] && [ "$tries" -gt 0 ]; do
            # shellcheck disable=SC2086 # Numbers, one a word.
            [ -n "$told" ] || kill -s "$signal" $numbers 2>/dev/null || true
            told=yes
            tries=$((tries - 1))
            sleep 0.1
        done
    done
}

# Ends every instance that the program keeps, for all users that we may speak for, as `vpnns --stop` does.
stop_all() { # program
    for number in $(running_from "$1"); do
        [ -r "/proc/$number/environ" ] || continue
        for name in $(as_user_of "$number" "$1" --list 2>/dev/null | sed -n '1!s/ .*//p'); do
            echo "ending the VPN \"$name\" and the programs in it (user $(stat -c %U "/proc/$number" 2>/dev/null))"
            as_user_of "$number" "$1" --stop --name "$name" || true
        done
    done
    end_all "$1"
}
