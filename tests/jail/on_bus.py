"""Owns names on a message bus, and answers org.vpnns.Test.Ask at /test for each.

usage: on_bus.py ADDRESS NAME...   prints each name when it has it
"""

import sys

from gi.repository import Gio, GLib

XML = """<node><interface name='org.vpnns.Test'>
  <method name='Ask'><arg type='s' direction='out'/></method>
</interface></node>"""


def call(_connection, _sender, _path, _interface, _method, _parameters, invocation):
    invocation.return_value(GLib.Variant("(s)", ("answered",)))


flags = Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION
bus = Gio.DBusConnection.new_for_address_sync(sys.argv[1], flags, None, None)
bus.register_object("/test", Gio.DBusNodeInfo.new_for_xml(XML).interfaces[0], call, None, None)
for wanted in sys.argv[2:]:
    owned = lambda _connection, name: print(name, flush=True)
    Gio.bus_own_name_on_connection(bus, wanted, Gio.BusNameOwnerFlags.NONE, owned, None)
GLib.MainLoop().run()
