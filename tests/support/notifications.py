"""Shows notifications to nobody: notes what the Desktop Notifications Specification lets an app ask for.

usage: notifications.py show      a line of JSON for each call in the runtime directory's notifications.log;
                                  what stands in the file notifications.press there, "ID ACTION", is pressed
       notifications.py silent    has the name, and never answers
"""
import json
import os
import sys

from gi.repository import Gio, GLib

DIRECTORY = os.environ["XDG_RUNTIME_DIR"]
NAME = "org.freedesktop.Notifications"
PATH = "/org/freedesktop/Notifications"
INTERFACE = """<node><interface name='org.freedesktop.Notifications'>
<method name='GetServerInformation'><arg type='s' direction='out'/><arg type='s' direction='out'/>
<arg type='s' direction='out'/><arg type='s' direction='out'/></method>
<method name='GetCapabilities'><arg type='as' direction='out'/></method>
<method name='Notify'><arg type='s' direction='in'/><arg type='u' direction='in'/><arg type='s' direction='in'/>
<arg type='s' direction='in'/><arg type='s' direction='in'/><arg type='as' direction='in'/>
<arg type='a{sv}' direction='in'/><arg type='i' direction='in'/><arg type='u' direction='out'/></method>
<method name='CloseNotification'><arg type='u' direction='in'/></method>
<signal name='NotificationClosed'><arg type='u'/><arg type='u'/></signal>
<signal name='ActionInvoked'><arg type='u'/><arg type='s'/></signal>
</interface></node>"""

bus = Gio.bus_get_sync(Gio.BusType.SESSION)
last = 0


def note(**what):
    with open(f"{DIRECTORY}/notifications.log", "a", encoding="utf-8") as log:
        log.write(json.dumps(what) + "\n")


def called(_bus, _sender, _path, _interface, method, parameters, invocation):
    global last
    values = parameters.unpack()
    if sys.argv[1] == "silent":
        note(unanswered=method)
        return
    if method == "Notify":
        _app, replaces, _icon, title, body, actions, _hints, _limit = values
        if not replaces:
            last += 1
        number = replaces or last
        # Answered before it is noted: an app takes back only what it knows the number of.
        invocation.return_value(GLib.Variant("(u)", (number,)))
        bus.flush_sync(None)
        note(shown=number, title=title, body=body, actions=dict(zip(actions[::2], actions[1::2])))
    elif method == "CloseNotification":
        note(closed=values[0])
        invocation.return_value(None)
        bus.emit_signal(None, PATH, NAME, "NotificationClosed", GLib.Variant("(uu)", (values[0], 3)))
    elif method == "GetCapabilities":
        invocation.return_value(GLib.Variant("(as)", (["actions", "body"],)))
    else:
        invocation.return_value(GLib.Variant("(ssss)", ("test", "test", "1", "1.2")))


def press():
    path = f"{DIRECTORY}/notifications.press"
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            number, action = file.read().strip().split(" ", 1)
        os.remove(path)
        bus.emit_signal(None, PATH, NAME, "ActionInvoked", GLib.Variant("(us)", (int(number), action)))
        # It goes by being used, as they do.
        note(closed=int(number))
        bus.emit_signal(None, PATH, NAME, "NotificationClosed", GLib.Variant("(uu)", (int(number), 2)))
    return True


interface = Gio.DBusNodeInfo.new_for_xml(INTERFACE).interfaces[0]
bus.register_object(PATH, interface, called, None, None)
GLib.timeout_add(100, press)
loop = GLib.MainLoop()
Gio.bus_own_name_on_connection(bus, NAME, Gio.BusNameOwnerFlags.NONE, lambda *_: note(ready=True),
                               lambda *_: loop.quit())
loop.run()
