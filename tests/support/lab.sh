#!/bin/bash
# Builds the lab from inside its namespaces, as their root and their init, and stays until its input ends.
#
#   outside 192.0.2.2, fd00:2::2  ----veth----  192.0.2.1, fd00:2::1 gateway
#   the user's own network;                     ocserv; behind it the company (10.99.0.0/16, fd99::/16),
#   vpnns and openconnect run here              and "the internet" (203.0.113.1, 2001:db8:113::1)
#
# The internet answers on both ways, and says which address it saw; the company only through the tunnel.
# bash and not dash, because the init of a pid namespace must reap strangers' children.
set -euo pipefail
directory=$1

await() { # what, command... : at most 10 s
    local what=$1 tries=1000
    shift
    until "$@"; do
        ((tries -= 1)) || { echo "the lab waited in vain for $what" >&2; exit 1; }
        sleep 0.01
    done
}

apart() { [ "$(readlink "/proc/$1/ns/net")" != "$(readlink /proc/self/ns/net)" ]; }
listening() { [ -n "$(on_gateway ss -Hltn "sport = :443")" ]; }
on_gateway() { nsenter --net="/proc/$gateway/ns/net" -- "$@"; }

services() { # file, process whose network to use, label, addresses...
    # The system's Python by its path: a version manager's wrapper may belong to another user.
    nsenter --net="/proc/$2/ns/net" -- /usr/bin/python3 "$directory/services.py" "$3" \
        "$directory/$1.requests" "${@:4}" >"$directory/$1.ready" 2>"$directory/$1.log" &
}

unshare --net sleep infinity &
gateway=$!
echo "$gateway" >"$directory/gateway.pid"
await "the gateway's namespace" apart "$gateway"

ip -batch - <<IP
link set lo up
link add veth0 type veth peer name veth1 netns $gateway
link set veth0 up
addr add 192.0.2.2/24 dev veth0
addr add fd00:2::2/64 dev veth0 nodad
IP
on_gateway ip -batch - <<'IP'
link set lo up
link set veth1 up
addr add 192.0.2.1/24 dev veth1
addr add fd00:2::1/64 dev veth1 nodad
addr add 203.0.113.1/32 dev lo
addr add 2001:db8:113::1/128 dev lo nodad
addr add 10.99.0.1/32 dev lo
addr add 10.99.0.2/32 dev lo
addr add 10.99.0.3/32 dev lo
addr add fd99::1/128 dev lo nodad
addr add fd99::2/128 dev lo nodad
rule add pref 100 lookup local
rule del pref 0
rule add pref 10 iif veth1 to 10.99.0.0/16 unreachable
IP
# The company answers nobody past the tunnel: the local table, first by default, would.
on_gateway ip -6 -batch - <<'IP'
rule add pref 100 lookup local
rule del pref 0
rule add pref 10 iif veth1 to fd99::/16 unreachable
IP
ip route add default via 192.0.2.1
ip -6 route add default via fd00:2::1

services outside self "the outside" 192.0.2.2 fd00:2::2
services far "$gateway" "the far side" 10.99.0.1 10.99.0.2 fd99::1 fd99::2
services internet "$gateway" "the internet" 203.0.113.1 2001:db8:113::1

on_gateway ocserv --foreground --config "$directory/ocserv.conf" --debug 1 \
    >"$directory/ocserv.log" 2>&1 </dev/null &

for name in outside far internet; do
    await "the services called $name" test -s "$directory/$name.ready"
done
await "ocserv" listening

echo ready
# The end of the input is the end of the test, however it ended; with this init everything ends.
read -r _ || true
