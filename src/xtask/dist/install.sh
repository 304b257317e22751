#!/bin/sh
# Installs vpnns below a prefix, or removes what was installed there. Needs nothing but a shell and coreutils.
#
# What was placed is listed in PREFIX/share/vpnns/installed, a path a line; a directory that was made ends in a
# slash. `cargo xtask install` writes the same list, so either removes what the other has installed.
set -eu
# Lists are sorted the same everywhere.
export LC_ALL=C

# @running@

usage() {
    cat <<'USAGE'
usage: install.sh [--prefix DIR]            install; DIR is /usr/local for root, ~/.local otherwise
       install.sh --remove [--prefix DIR]   end what runs from there, and remove it; profiles stay
USAGE
}

if [ "$(id -u)" = 0 ]; then prefix=/usr/local; else prefix=${HOME:?}/.local; fi
remove=
while [ $# -gt 0 ]; do
    case $1 in
        --prefix) prefix=${2:?--prefix needs a directory}; shift ;;
        --prefix=*) prefix=${1#--prefix=} ;;
        --remove) remove=yes ;;
        --help | -h) usage; exit ;;
        *) usage >&2; exit 2 ;;
    esac
    shift
done
case $prefix in
    /*) ;;
    "~") prefix=${HOME:?} ;;
    "~/"*) prefix=${HOME:?}/${prefix#"~/"} ;;
    *) prefix=$(pwd)/$prefix ;;
esac
case $prefix in
    *[[:space:]]*)
        echo "install.sh: the files that start the programs cannot hold a path with spaces: $prefix" >&2
        exit 1 ;;
esac
list=share/vpnns/installed

ours() { # path: whether it was placed or made by us
    printf '%s\n' "$listed" | grep -qxF "$1"
}

# Lets desktops find what has come or gone; without these programs they find it later, by the directories' times.
tell_caches() {
    if [ -d share/applications ] && command -v update-desktop-database >/dev/null; then
        update-desktop-database share/applications || true
    fi
    if [ -d share/mime/packages ] && command -v update-mime-database >/dev/null; then
        update-mime-database share/mime || true
    fi
}

if [ -n "$remove" ]; then
    if ! listed=$(cat "$prefix/$list" 2>/dev/null); then
        echo "install.sh: nothing was installed below $prefix: there is no $prefix/$list" >&2
        exit 1
    fi
    cd "$prefix"
    real=$(pwd -P)
    end_all "$real/bin/vpnns-desktop"
    [ ! -x bin/vpnns ] || stop_all "$real/bin/vpnns"
    printf '%s\n' "$listed" | grep -v '/$' | while read -r path; do
        rm -f "./$path"
    done
    tell_caches
    # The caches of directories that nobody else uses.
    if ours share/applications/ && ! ls share/applications/*.desktop >/dev/null 2>&1; then
        rm -f share/applications/mimeinfo.cache
    fi
    if ours share/mime/ && ! ls share/mime/packages/*.xml >/dev/null 2>&1; then
        rm -rf share/mime
    fi
    rm -f "$list"
    cd /
    # What the program makes anew for each user whenever it is missing.
    if [ "$(id -u)" != 0 ]; then
        rm -rf "${XDG_DATA_HOME:-${HOME:?}/.local/share}/vpnns/links"
    fi
    # The deepest first; what somebody else has put something into stays.
    printf '%s\n' "$listed" | grep '/$' | sort -r | while read -r path; do
        rmdir "$prefix/${path#./}" 2>/dev/null || true
    done
    echo "removed from $prefix; profiles in ~/.config/vpnns stay, and so do the directories ~/.vpnns-*"
    exit
fi

source=$(cd "$(dirname "$0")" && pwd)
listed=$(cat "$prefix/$list" 2>/dev/null || true)
before=$listed
listed=$(printf '%s\n' "$listed" | grep '/$' || true)
note() { ours "$1" || listed="$listed
$1"; }
make_directory() { # relative to the prefix
    [ ! -d "$prefix/$1" ] || return 0
    case $1 in
        */*) make_directory "${1%/*}" ;;
        .) ;;
        *) make_directory . ;;
    esac
    mkdir -p -m 755 "$prefix/$1"
    note "$1/"
}

cd "$source"
files=$(find bin share \( -type f -o -type l \) | sort)
for file in $files; do
    make_directory "${file%/*}"
    # Beside its place and renamed, so that nobody ever runs half a program, and what runs goes on.
    new=$prefix/$file.new
    rm -f "$new"
    if [ -L "$file" ]; then
        ln -s "$(readlink "$file")" "$new"
    elif [ -x "$file" ]; then
        install -m 755 "$file" "$new"
    else
        sed "s|@prefix@|$prefix|g" "$file" >"$new"
        chmod 644 "$new"
    fi
    mv -f "$new" "$prefix/$file"
    note "$file"
    echo "installed $prefix/$file"
done
# What an older version had, and this one has not.
printf '%s\n' "$before" | grep -v '/$' | while read -r path; do
    [ -z "$path" ] || ours "$path" || rm -f "$prefix/$path"
done
make_directory "${list%/*}"
printf '%s\n' "$listed" | sed '/^$/d' | sort >"$prefix/$list"
case :$PATH: in
    *":$prefix/bin:"*) ;;
    *) printf 'So that programs and pages are found (in ~/.profile, or your shell'"'"'s own file):\n    export PATH="%s/bin:$PATH"\n' "$prefix" ;;
esac
echo "Whether this system can do it: $prefix/bin/vpnns --doctor"
