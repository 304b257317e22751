#!/bin/sh
set -e

# The profile was put there by us, not by dpkg.
case "$1" in
    remove | purge)
        if [ -e /etc/apparmor.d/vpnns ]; then
            if aa-enabled --quiet 2>/dev/null; then
                apparmor_parser --remove /etc/apparmor.d/vpnns || true
            fi
            rm -f /etc/apparmor.d/vpnns
        fi
        ;;
esac
