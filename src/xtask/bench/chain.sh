#!/bin/bash
# The lab of `cargo xtask bench chain`: builds it from inside its namespaces, as their root and their init,
# measures what it is asked to, and ends with its input.
#
#   outside 192.0.2.2  ----veth----  192.0.2.1 gateway: ocserv, openvpn; behind them 10.99.0.1, .2 and .3
#
# Each client is brought up once per transport and stays. openconnect as root reaches 10.99.0.1 by DTLS and
# 10.99.0.2 by TLS, openvpn as root 10.99.0.3; each instance has a network of its own.
# Orders: LABEL TRANSPORT ADDRESS SECONDS IPERF-OPTION...; the answer is a line: nanoseconds, then iperf3's JSON.
set -euo pipefail
directory=$1 helper=$2 original=$3 uid=$4 gid=$5

await() { # what, command... : at most 15 s
    local what=$1 tries=300
    shift
    until "$@" >/dev/null 2>&1; do
        ((tries -= 1)) || { echo "the lab waited in vain for $what" >&2; cat "$directory"/*.log >&2; exit 1; }
        sleep 0.05
    done
}
on_gateway() { nsenter --net="/proc/$gateway/ns/net" -- "$@"; }
as_user() { setpriv --clear-groups --inh-caps=-all --reuid="$uid" --regid="$gid" -- "$@"; }
listening() { [ -n "$(on_gateway ss -Hltn "sport = :$1")" ]; }
apart() { [ "$(readlink "/proc/$1/ns/net")" != "$(readlink /proc/self/ns/net)" ]; }

unshare --net sleep infinity &
gateway=$!
await "the gateway's namespace" apart "$gateway"
ip link set lo up
ip link add veth0 type veth peer name veth1 netns "$gateway"
ip addr add 192.0.2.2/24 dev veth0
ip link set veth0 up
on_gateway ip -batch - <<'IP'
link set lo up
link set veth1 up
addr add 192.0.2.1/24 dev veth1
addr add 10.99.0.1/32 dev lo
addr add 10.99.0.2/32 dev lo
addr add 10.99.0.3/32 dev lo
IP
on_gateway ocserv --foreground --config "$directory/ocserv.conf" >"$directory/ocserv.log" 2>&1 </dev/null &
await ocserv listening 443
on_gateway openvpn --config "$directory/server.ovpn" >"$directory/openvpn.log" 2>&1 </dev/null &
await openvpn grep -q "Initialization Sequence Completed" "$directory/openvpn.log"

cat >"$directory/as-root" <<'SCRIPT'
#!/bin/sh
[ "$reason" = connect ] || exit 0
ip link set "$TUNDEV" mtu "$INTERNAL_IP4_MTU" up
ip addr add "$INTERNAL_IP4_ADDRESS/32" dev "$TUNDEV"
ip route add "$FAR" dev "$TUNDEV" src "$INTERNAL_IP4_ADDRESS"
SCRIPT
chmod 755 "$directory/as-root"

declare -A client
connect() { # label, transport, words before openconnect, then its options
    local key=$1-$2 before=$3
    shift 3
    $before openconnect --user=test --passwd-on-stdin --servercert="$(cat "$directory/pin")" "$@" 192.0.2.1:443 \
        <"$directory/password" >"$directory/$key.log" 2>&1 &
    client[$key]=$!
}
through() { # label, transport: the words before a command that is to use it
    case $1 in
    root) echo ;;
    ours | graft) echo "as_user $helper --name $1-$2 --" ;;
    original) echo "as_user $original --name $1-$2 --" ;;
    esac
}
reaches() { $(through "$1" "$2") ping -c1 -W1 "$3"; }
tree() { # a process and what it has started: openconnect, the relay, perhaps a shell between
    local child
    echo "$1"
    for child in $(cat "/proc/$1/task/$1/children"); do tree "$child"; done
}

for transport in dtls tls; do
    options=(); far=10.99.0.1
    [ "$transport" = dtls ] || { options=(--no-dtls); far=10.99.0.2; }
    export FAR=$far
    connect root "$transport" "" "${options[@]}" --interface "bench-$transport" --script "$directory/as-root"
    for label in ours original; do
        program=$helper; [ $label = ours ] || program=$original
        name=$label-$transport
        # The original loses a race of its own now and then.
        for _ in 1 2 3; do
            as_user "$program" --name "$name" -- sleep infinity >"$directory/$name-app.log" 2>&1 &
            sleep 1.5
            kill -0 $! 2>/dev/null && break
        done
        connect "$label" "$transport" as_user "${options[@]}" --script-tun \
            --script "exec '$program' --attach --name $name >/dev/null 2>&1"
    done
    connect graft "$transport" "as_user $helper --graft --name graft-$transport --" "${options[@]}"
    for label in root ours graft original; do
        key=$label-$transport
        await "$key" reaches "$label" "$transport" 10.99.0.1
        if [ "$transport" = dtls ]; then
            await "DTLS of $key" grep -q "Established DTLS" "$directory/$key.log"
        fi
    done
done

openvpn --config "$directory/client.ovpn" --dev bench-openvpn </dev/null >"$directory/root-openvpn.log" 2>&1 &
client[root-openvpn]=$!
as_user "$helper" --graft --name graft-openvpn -- openvpn --config "$directory/client.ovpn" --dev tun \
    </dev/null >"$directory/graft-openvpn.log" 2>&1 &
client[graft-openvpn]=$!
for label in root graft; do
    key=$label-openvpn
    await "$key" reaches "$label" openvpn 10.99.0.3
done

used() { # process: the processor time of it and all below, in nanoseconds
    local sum=0 process time
    for process in $(tree "$1"); do
        read -r time _ <"/proc/$process/schedstat"
        ((sum += time))
    done
    echo "$sum"
}

echo ready
port=5200
while read -r label transport address seconds options; do
    key=$label-$transport
    ((port += 1))
    on_gateway timeout 120 iperf3 --server --one-off --port "$port" >/dev/null 2>&1 </dev/null &
    server=$!
    await "iperf3" listening "$port"
    before=$(used "${client[$key]}")
    # Both are lists of words.
    # shellcheck disable=SC2046,SC2086
    $(through "$label" "$transport") timeout "$((seconds + 20))" iperf3 --json --client "$address" --port "$port" \
        --time "$seconds" $options </dev/null >"$directory/result" 2>"$directory/iperf3.log" || true
    after=$(used "${client[$key]}")
    kill $server 2>/dev/null || true
    wait $server || true
    echo "$((after - before)) $(tr -d '\n' <"$directory/result")"
done
