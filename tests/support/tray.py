"""A host of the tray in the session, as plain as the specifications of StatusNotifierItem and dbusmenu allow.

`tray.py watch` is the watcher, and the host too; `tray.py watch alone` has no host until it gets the signal
USR1; `tray.py watch mute` never answers who wants to register. It notes who registers, and every signal, a
line of JSON each, in the file `tray.log` of the runtime directory. Every other call talks to the item that
registered last, and prints JSON.
"""
import json
import os
import signal
import sys
import time

from gi.repository import Gio, GLib

LOG = os.path.join(os.environ["XDG_RUNTIME_DIR"], "tray.log")
WATCHER = "org.kde.StatusNotifierWatcher"
ITEM = "org.kde.StatusNotifierItem"
MENU = "com.canonical.dbusmenu"
INTERFACE = """<node><interface name='org.kde.StatusNotifierWatcher'>
<method name='RegisterStatusNotifierItem'><arg type='s' direction='in'/></method>
<method name='RegisterStatusNotifierHost'><arg type='s' direction='in'/></method>
<signal name='StatusNotifierHostRegistered'/>
<property name='RegisteredStatusNotifierItems' type='as' access='read'/>
<property name='IsStatusNotifierHostRegistered' type='b' access='read'/>
<property name='ProtocolVersion' type='i' access='read'/>
</interface></node>"""

bus = Gio.bus_get_sync(Gio.BusType.SESSION)


def note(**what):
    with open(LOG, "a", encoding="utf-8") as log:
        log.write(json.dumps(what) + "\n")


def watch(how=None):
    hosts = [] if how == "alone" else ["this one"]

    def called(_bus, sender, _path, _interface, method, parameters, invocation):
        if how == "mute":
            note(unanswered=method)
            return
        if method == "RegisterStatusNotifierItem":
            note(registered=sender, name=parameters.unpack()[0])
        invocation.return_value(None)

    def read(_bus, _sender, _path, _interface, name):
        values = {
            "RegisteredStatusNotifierItems": GLib.Variant("as", []),
            "IsStatusNotifierHostRegistered": GLib.Variant("b", bool(hosts)),
            "ProtocolVersion": GLib.Variant("i", 0),
        }
        return values[name]

    def signalled(_bus, _sender, _path, interface, name, parameters):
        note(signal=name, interface=interface, arguments=parameters.unpack())

    interface = Gio.DBusNodeInfo.new_for_xml(INTERFACE).interfaces[0]
    bus.register_object("/StatusNotifierWatcher", interface, called, read, None)
    for interface in (ITEM, MENU, "org.freedesktop.DBus.Properties"):
        bus.signal_subscribe(None, interface, None, None, None, Gio.DBusSignalFlags.NONE, signalled)
    def host_comes():
        hosts.append("another one")
        bus.emit_signal(None, "/StatusNotifierWatcher", WATCHER, "StatusNotifierHostRegistered", None)
        return True

    GLib.unix_signal_add(GLib.PRIORITY_DEFAULT, signal.SIGUSR1, host_comes)
    loop = GLib.MainLoop()
    Gio.bus_own_name_on_connection(
        bus, WATCHER, Gio.BusNameOwnerFlags.REPLACE, lambda *_: note(watching=os.getpid()), lambda *_: loop.quit()
    )
    loop.run()


def item():
    # The last line may not be whole yet.
    lines = [json.loads(line) for line in open(LOG, encoding="utf-8") if line.endswith("\n")]
    return [line["registered"] for line in lines if "registered" in line][-1]


def call(path, interface, method, parameters, reply=None):
    kind = GLib.VariantType(reply) if reply else None
    return bus.call_sync(item(), path, interface, method, parameters, kind, 0, 20000, None).unpack()


def properties():
    """Everything that the item shows; of its pictures the sizes, and whether the bytes fit."""
    found = call("/StatusNotifierItem", "org.freedesktop.DBus.Properties", "GetAll", GLib.Variant("(s)", (ITEM,)))[0]
    for name in ("IconPixmap", "AttentionIconPixmap", "OverlayIconPixmap"):
        found[name] = [[width, height, len(data) == width * height * 4] for width, height, data in found.get(name, [])]
    tip = found.get("ToolTip")
    found["ToolTip"] = [tip[0], tip[2], tip[3]] if tip else None
    return found


def menu():
    """The menu's revision, and its items: id, properties, children."""
    parameters = GLib.Variant("(iias)", (0, -1, []))
    revision, root = call("/MenuBar", MENU, "GetLayout", parameters)

    def plain(node):
        number, found, children = node
        if "icon-data" in found:
            found["icon-data"] = len(found["icon-data"])
        return {"id": number, "properties": found, "children": [plain(child) for child in children]}

    return {"revision": revision, "root": plain(root)}


def click(*labels):
    """Opens submenus by their labels, and clicks on the last; a `*` at the end stands for whatever follows.

    The icon may be that of a state before the menu is: what is not there is waited for.
    """
    until = time.monotonic() + 30
    while True:
        try:
            return event(line_of(labels), "clicked")
        except LookupError as error:
            if time.monotonic() > until:
                raise SystemExit(str(error)) from error
            time.sleep(0.1)


def line_of(labels):
    node = menu()["root"]
    for label in labels:
        begin = label[:-1] if label.endswith("*") else None

        def fits(text, label=label, begin=begin):
            return text.startswith(begin) if begin is not None else text == label

        fitting = [child for child in node["children"] if fits(child["properties"].get("label", ""))]
        if not fitting:
            labels = [child["properties"].get("label") for child in node["children"]]
            raise LookupError(f"no {label} among {labels}")
        node = fitting[0]
    return node["id"]


def event(number, kind):
    parameters = GLib.Variant("(isvu)", (int(number), kind, GLib.Variant("i", 0), 0))
    call("/MenuBar", MENU, "Event", parameters)
    return True


def about_to_show(number):
    return call("/MenuBar", MENU, "AboutToShow", GLib.Variant("(i)", (int(number),)))[0]


def activate(method="Activate"):
    call("/StatusNotifierItem", ITEM, method, GLib.Variant("(ii)", (0, 0)))
    return True


def raw(path, interface, method, kind, text):
    """Any call, its parameters in GVariant's own words: what came of it, with its type, or the error's name."""
    parameters = GLib.Variant.parse(GLib.VariantType(kind), text, None, None)
    try:
        answer = bus.call_sync(item(), path, interface, method, parameters, None, 0, 20000, None)
    except GLib.Error as error:
        return {"error": Gio.DBusError.get_remote_error(error)}
    return {"type": answer.get_type_string(), "value": answer.unpack()}


def types(path, interface):
    """Every property: its type and value; the same from asking for each by its name."""
    everything = GLib.Variant("(s)", (interface,))
    owner, kind = item(), "org.freedesktop.DBus.Properties"
    found = bus.call_sync(owner, path, kind, "GetAll", everything, None, 0, 20000, None).get_child_value(0)
    properties = {}
    for index in range(found.n_children()):
        entry = found.get_child_value(index)
        name, value = entry.get_child_value(0).get_string(), entry.get_child_value(1).get_variant()
        one = bus.call_sync(owner, path, kind, "Get", GLib.Variant("(ss)", (interface, name)), None, 0, 20000, None)
        same = one.get_child_value(0).get_variant().equal(value)
        shown = None if "ay" in value.get_type_string() else value.unpack()
        properties[name] = {"type": value.get_type_string(), "value": shown, "same": same}
    return properties


def tree(parent="0", depth="-1", *names):
    """A part of the menu; of each property the type as well."""
    parameters = GLib.Variant("(iias)", (int(parent), int(depth), names))
    answer = bus.call_sync(item(), "/MenuBar", MENU, "GetLayout", parameters, None, 0, 20000, None)

    def plain(node):
        number, found, children = (node.get_child_value(index) for index in range(3))
        properties = {}
        for index in range(found.n_children()):
            entry = found.get_child_value(index)
            value = entry.get_child_value(1).get_variant()
            kind = value.get_type_string()
            shown = value.n_children() if kind == "ay" else value.unpack()
            properties[entry.get_child_value(0).get_string()] = [kind, shown]
        inner = [plain(children.get_child_value(index).get_variant()) for index in range(children.n_children())]
        return {"id": number.get_int32(), "properties": properties, "children": inner}

    return {"type": answer.get_type_string(), "revision": answer.get_child_value(0).get_uint32(),
            "root": plain(answer.get_child_value(1))}


def hostile():
    """What no host should do: how many of the calls were answered with an error, and how many at all."""
    calls = []
    for number in (-1, 0, 7777, 2**31 - 1, -(2**31)):
        for kind in ("clicked", "no such event", ""):
            calls.append(("Event", GLib.Variant("(isvu)", (number, kind, GLib.Variant("s", "x"), 0))))
        calls.append(("AboutToShow", GLib.Variant("(i)", (number,))))
        calls.append(("GetLayout", GLib.Variant("(iias)", (number, -2, ["no such property"]))))
        calls.append(("GetGroupProperties", GLib.Variant("(aias)", ([number] * 100, []))))
        calls.append(("GetProperty", GLib.Variant("(is)", (number, "no such property"))))
    refused = 0
    for method, parameters in calls:
        try:
            call("/MenuBar", MENU, method, parameters)
        except GLib.Error:
            refused += 1
    owner = item()
    # What is not even of the right type, or not there.
    for path, interface, method, parameters in (
        ("/MenuBar", MENU, "Event", GLib.Variant("(s)", ("clicked",))),
        ("/MenuBar", MENU, "Event", GLib.Variant("(xsvu)", (1, "clicked", GLib.Variant("i", 0), 0))),
        ("/MenuBar", MENU, "GetLayout", GLib.Variant("(ssas)", ("0", "0", []))),
        ("/MenuBar", MENU, "EventGroup", GLib.Variant("(a(isvu))", ([],))),
        ("/MenuBar", MENU, "NoSuchMethod", None),
        ("/NoSuchMenu", MENU, "AboutToShow", GLib.Variant("(i)", (0,))),
        ("/StatusNotifierItem", ITEM, "Activate", None),
        ("/StatusNotifierItem", ITEM, "Activate", GLib.Variant("(ss)", ("0", "0"))),
        ("/StatusNotifierItem", ITEM, "Scroll", GLib.Variant("(is)", (1, "sideways"))),
    ):
        try:
            bus.call_sync(owner, path, interface, method, parameters, None, 0, 20000, None)
            raise SystemExit(f"{method} {parameters} was taken")
        except GLib.Error:
            refused += 1
    # A host that has lost its mind: more at once than anybody reads.
    several = GLib.Variant("(aias)", (list(range(100000)), []))
    bus.call_sync(owner, "/MenuBar", MENU, "GetGroupProperties", several, None, 0, 60000, None)
    shown = [it["id"] for it in menu()["root"]["children"] if it["properties"].get("label") == "Show Window"]
    calls_at_once = (
        ("/StatusNotifierItem", ITEM, "Scroll", GLib.Variant("(is)", (1, "vertical"))),
        ("/MenuBar", MENU, "Event", GLib.Variant("(isvu)", (shown[0], "clicked", GLib.Variant("i", 0), 0))),
        ("/MenuBar", MENU, "AboutToShow", GLib.Variant("(i)", (0,))),
    )
    for index in range(3000):
        # Without waiting for an answer: as fast as the bus takes it.
        path, interface, method, parameters = calls_at_once[index % 3]
        bus.call(owner, path, interface, method, parameters, None, Gio.DBusCallFlags.NONE, -1, None, None)
    bus.flush_sync(None)
    # Answered in turn: whoever comes after them is not forgotten.
    bus.call_sync(owner, "/MenuBar", MENU, "AboutToShow", GLib.Variant("(i)", (0,)), None, 0, 50000, None)
    return {"calls": len(calls), "refused": refused}


def log():
    return [json.loads(line) for line in open(LOG, encoding="utf-8")]


if sys.argv[1] == "watch":
    watch(*sys.argv[2:])
else:
    print(json.dumps(globals()[sys.argv[1]](*sys.argv[2:])))
