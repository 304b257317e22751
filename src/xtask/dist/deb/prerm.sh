#!/bin/sh
set -e

# @running@

# An upgrade ends nothing: a VPN that is up stays up, and is kept by the version that has started it. A removal ends
# every VPN and the programs in it, in order, since nothing could connect them again.
if [ "$1" = remove ]; then
    stop_all /usr/bin/vpnns || true
fi
