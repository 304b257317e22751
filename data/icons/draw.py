#!/usr/bin/python3
"""Draws the pictures of the tray icon: `data/icons/draw.py [DIRECTORY]`. A test says when that is to be done anew.

Drawn here and not by the app, which would spend a part of its first frame's time on it. The colours can be read on a
light panel and on a dark one (about 3.5 : 1 on white and on #333); hosts that know our icons by name give them a
colour of their own.
"""
import pathlib
import sys

import gi
gi.require_version("GdkPixbuf", "2.0")
from gi.repository import GdkPixbuf, Gio, GLib

ID = "org.vpnns.PerAppVpn"
COLOURS = {
    "isolated": "#888888",
    "connected": "#26a269",
    "connecting": "#3f8ae0",
    "question": "#3f8ae0",
    "reconnecting": "#b57c00",
    "failed": "#ed4a50",
}
SIZES = (16, 24, 48)


def draw(svg, size, path):
    stream = Gio.MemoryInputStream.new_from_bytes(GLib.Bytes.new(svg.encode()))
    picture = GdkPixbuf.Pixbuf.new_from_stream_at_scale(stream, size, size, True, None)
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.savev(str(path), "png", ["compression"], ["9"])


def main(source, target):
    for state, colour in COLOURS.items():
        name = f"{ID}-{state}-symbolic"
        # What is faint in the text's colour would vanish in a lighter one.
        svg = (source / f"{name}.svg").read_text().replace("#2e3436", colour).replace('opacity=".35"', 'opacity=".6"')
        for size in SIZES:
            draw(svg, size, target / f"tray/{size}x{size}/{name}.png")


here = pathlib.Path(__file__).resolve().parent
main(here, pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else here)
