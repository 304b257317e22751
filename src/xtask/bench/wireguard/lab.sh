#!/bin/bash
# Builds the lab of the WireGuard benchmark from inside its namespaces, as their root and their
# init, and does what its input says until that ends.
#
#   near 192.0.2.2  ----veth----  192.0.2.1 far
#   both contestants              wireguard-go, 10.8.0.1 and fd08::1 inside; iperf3's server
#
# ours (10.8.0.2): the helper's WireGuard, as an ordinary user, its device in an instance
# wireguard-go (10.8.0.3): as root, its device beside the uplink
set -euo pipefail
directory=$1 helper=$2
export HOME=$directory/home XDG_RUNTIME_DIR=$directory/home

await() { # what, command... : at most 20 s
    local what=$1 tries=400
    shift
    until "$@" >/dev/null 2>&1; do
        ((tries -= 1)) || { echo "the lab waited in vain for $what" >&2; exit 1; }
        sleep 0.05
    done
}
on_far() { nsenter --net="/proc/$far/ns/net" -- "$@"; }
by_user() { nsenter --target="$user" --user --preserve-credentials -- "$@"; }
apart() { [ "$(readlink "/proc/$1/ns/$2")" != "$(readlink "/proc/self/ns/$2")" ]; }
listening() { [ -n "$(on_far ss -Hltn "sport = :$port")" ]; }
ticks() { # process: what it has used so far, in ticks of 10 ms, all its threads together
    local stat
    read -r stat <"/proc/$1/stat"
    set -- ${stat##*)}
    echo $((${12} + ${13}))
}

umask 077
unshare --net sleep infinity &
far=$!
await "the far network" apart "$far" net
ip link set lo up
ip link add veth0 type veth peer name veth1 netns "$far"
ip link set veth0 up
ip address add 192.0.2.2/24 dev veth0
on_far ip link set lo up
on_far ip link set veth1 up
on_far ip address add 192.0.2.1/24 dev veth1

mount -t tmpfs tmpfs /run
mkdir /run/wireguard
for name in far near ours; do
    wg genkey >"$directory/$name.key"
    wg pubkey <"$directory/$name.key" >"$directory/$name.public"
done
on_far wireguard-go --foreground far0 >"$directory/far.log" 2>&1 &
wireguard-go --foreground near0 >"$directory/near.log" 2>&1 &
near=$!
await "the far wireguard-go" wg show far0
await "the near wireguard-go" wg show near0
on_far wg set far0 listen-port 51820 private-key "$directory/far.key" \
    peer "$(<"$directory/ours.public")" allowed-ips 10.8.0.2/32 \
    peer "$(<"$directory/near.public")" allowed-ips 10.8.0.3/32
on_far ip address add 10.8.0.1/24 dev far0
on_far ip link set far0 mtu 1420 up
wg set near0 private-key "$directory/near.key" peer "$(<"$directory/far.public")" \
    endpoint 192.0.2.1:51820 allowed-ips 10.8.0.1/32
ip address add 10.8.0.3/32 dev near0
ip link set near0 mtu 1420 up
ip route add 10.8.0.1/32 dev near0

mkdir -p "$HOME/.config/vpnns/profiles"
cat >"$HOME/.config/vpnns/profiles/bench.toml" <<TOML
version = 1
dns = []
[wireguard]
private-key = "$(<"$directory/ours.key")"
addresses = ["10.8.0.2/32"]
[[wireguard.peer]]
public-key = "$(<"$directory/far.public")"
endpoint = "192.0.2.1:51820"
allowed-ips = ["10.8.0.1/32"]
TOML
unshare --user --map-user=1000 --map-group=1000 sleep infinity &
user=$!
await "the user" apart "$user" user
by_user "$helper" --connect bench --name bench >"$directory/ours.log" 2>&1 &
by_user "$helper" --name bench -- sleep infinity &
await "the helper's tunnel" by_user "$helper" --name bench -- ping -c 1 -W 1 10.8.0.1
# The process that carries the packets, which is another one than the foreground's.
ours=$(by_user "$helper" --status --json --name bench | tr -d ' \n' |
    grep -o '"client":{"name":"[^"]*","pid":[0-9]*' | grep -o '[0-9]*$')

echo ready
port=5201
# The end of the input is the end of the measurement; with this init everything ends.
while read -r who seconds options; do
    ((port += 1))
    on_far timeout $((seconds + 15)) iperf3 --server --one-off --port "$port" >/dev/null 2>&1 &
    await "iperf3" listening
    client=(timeout "$((seconds + 10))" iperf3 --client 10.8.0.1 --port "$port")
    client+=(--time "$seconds" --json)
    [ -z "$options" ] || client+=("$options")
    if [ "$who" = ours ]; then
        before=$(ticks "$ours")
        by_user "$helper" --name bench -- "${client[@]}" >"$directory/report" 2>&1 || true
        after=$(ticks "$ours")
    else
        before=$(ticks "$near")
        "${client[@]}" >"$directory/report" 2>&1 || true
        after=$(ticks "$near")
    fi
    echo $((after - before))
done
