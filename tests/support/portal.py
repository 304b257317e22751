"""The Background portal, as far as an app tells it what it does: a line of JSON for each call in the runtime
directory's portal.log. `portal.py refuse` takes nothing, as the real one does from apps outside of a sandbox.
"""
import json
import os
import sys

from gi.repository import Gio, GLib

LOG = os.path.join(os.environ["XDG_RUNTIME_DIR"], "portal.log")
INTERFACE = """<node><interface name='org.freedesktop.portal.Background'>
<method name='SetStatus'><arg type='a{sv}' direction='in'/></method>
<property name='version' type='u' access='read'/>
</interface></node>"""

bus = Gio.bus_get_sync(Gio.BusType.SESSION)


def note(**what):
    with open(LOG, "a", encoding="utf-8") as log:
        log.write(json.dumps(what) + "\n")


def called(_bus, _sender, _path, _interface, _method, parameters, invocation):
    if sys.argv[1:] == ["refuse"]:
        invocation.return_dbus_error("org.freedesktop.portal.Error.NotAllowed", "Only sandboxed apps can do that")
    else:
        invocation.return_value(None)
    # Answered before it is noted: whoever reads the note knows that the app has its answer.
    bus.flush_sync(None)
    note(message=parameters.unpack()[0].get("message"))


interface = Gio.DBusNodeInfo.new_for_xml(INTERFACE).interfaces[0]
bus.register_object("/org/freedesktop/portal/desktop", interface, called, lambda *_: GLib.Variant("u", 2), None)
loop = GLib.MainLoop()
Gio.bus_own_name_on_connection(bus, "org.freedesktop.portal.Desktop", Gio.BusNameOwnerFlags.NONE,
                               lambda *_: note(ready=True), lambda *_: loop.quit())
loop.run()
