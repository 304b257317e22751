#!/bin/sh
set -e

# Where ordinary programs may make no user namespaces (Ubuntu since 23.10), this one may by a profile. Older AppArmor
# knows neither the rule nor the abi, and would complain at every boot: there the profile is kept for later, and the
# trigger on the abi's file calls us again when a newer AppArmor comes.
case "$1" in
    configure | triggered)
        if [ -e /etc/apparmor.d/abi/4.0 ]; then
            install -m 644 /usr/share/vpnns/apparmor /etc/apparmor.d/vpnns
            if aa-enabled --quiet 2>/dev/null; then
                apparmor_parser --replace --write-cache /etc/apparmor.d/vpnns || true
            fi
        fi
        ;;
esac
