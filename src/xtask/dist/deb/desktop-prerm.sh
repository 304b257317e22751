#!/bin/sh
set -e

# @running@

# The VPNs belong to the helper, and stay. An upgrade leaves the window as it is.
if [ "$1" = remove ]; then
    end_all /usr/bin/vpnns-desktop || true
fi
