"""A window out of which the files that it is given can be dragged, as out of a file manager."""
import sys

import gi

gi.require_version("Gtk", "4.0")
from gi.repository import Gdk, GLib, Gtk


def show(app):
    window = Gtk.ApplicationWindow(application=app, title="source", default_width=150, default_height=80)
    label = Gtk.Label(label="Drag me")
    uris = "".join(f"file://{path}\r\n" for path in sys.argv[1:]).encode()
    source = Gtk.DragSource(actions=Gdk.DragAction.COPY)
    source.connect("prepare", lambda *_: Gdk.ContentProvider.new_for_bytes("text/uri-list", GLib.Bytes.new(uris)))
    label.add_controller(source)
    window.set_child(label)
    window.present()


app = Gtk.Application(application_id="org.example.Source")
app.connect("activate", show)
app.run([])
