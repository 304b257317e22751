"""A person at a desktop: starts an X server, a session bus and a window manager, and then does what it is
told on a socket, a line of JSON each: start the app, look for what is on the screen, click, type, take pictures.

It looks through AT-SPI, as a screen reader does, and acts by real key and mouse events. Every wait has an end.
"""
import json
import os
import signal
import socket
import subprocess
import sys
import time

LIMIT = 40.0  # seconds that anything may take to appear, generous for a loaded machine
STEP = 0.1

children = []


def start(words, **more):
    child = subprocess.Popen(words, **more)
    children.append(child)
    return child


def end(child):
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(5)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def await_(what, seen, limit=LIMIT):
    until = time.monotonic() + limit
    while True:
        found = seen()
        if found:
            return found
        if time.monotonic() > until:
            raise Failure(f"waited in vain for {what}")
        time.sleep(STEP)


class Failure(Exception):
    pass


def x_server(size):
    """Lets the server choose a free display, and tell its number."""
    read, write = os.pipe()
    start(["Xvfb", "-displayfd", str(write), "-screen", "0", f"{size}x24", "-nolisten", "tcp", "-noreset"],
          pass_fds=[write], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.close(write)
    with os.fdopen(read) as number:
        os.environ["DISPLAY"] = ":" + number.readline().strip()


def session_bus(directory):
    address = f"unix:path={directory}/bus"
    start(["dbus-daemon", "--session", "--nofork", "--nopidfile", "--address", address],
          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    await_("the session bus", lambda: os.path.exists(f"{directory}/bus"))
    os.environ["DBUS_SESSION_BUS_ADDRESS"] = address


class Screen:
    """What is on the screen, through AT-SPI."""

    def __init__(self):
        import gi
        gi.require_version("Atspi", "2.0")
        from gi.repository import Atspi
        self.atspi = Atspi
        Atspi.init()
        # Its own 0.8 s are short on a loaded machine, and who was late once is not asked again.
        Atspi.set_timeout(20000, 30000)

    def apps(self):
        desktop = self.atspi.get_desktop(0)
        for index in range(desktop.get_child_count()):
            app = desktop.get_child_at_index(index)
            if app is not None:
                yield app

    def windows(self):
        for app in self.apps():
            try:
                if app.get_name() not in ("vpnns-desktop", "Per-App VPN", "org.vpnns.PerAppVpn"):
                    continue
                for index in range(app.get_child_count()):
                    window = app.get_child_at_index(index)
                    if window is not None:
                        yield window
            except Exception:  # it ended while we looked
                continue

    def walk(self, node, depth=0):
        if depth > 60 or self.is_hidden(node):
            return
        yield node
        try:
            count = node.get_child_count()
        except Exception:
            return
        for index in range(count):
            try:
                child = node.get_child_at_index(index)
            except Exception:
                continue
            if child is not None:
                yield from self.walk(child, depth + 1)

    def is_hidden(self, node):
        """Whether it is switched off. That it is merely behind another page GTK 4.8 does not tell."""
        try:
            return not node.get_state_set().contains(self.atspi.StateType.VISIBLE)
        except Exception:
            return True

    def nodes(self, within=None):
        for window in self.windows():
            node = self.describe(window)
            if within and (not node or within not in (node["name"], node["text"])):
                # A dialog without a name is known by what stands in it.
                if not any(within == (it or {}).get("name") for it in map(self.describe, self.walk(window))):
                    continue
            yield from self.walk(window)

    def describe(self, node):
        try:
            states = node.get_state_set()
            state = self.atspi.StateType
            name, role = node.get_name() or "", node.get_role_name()
            text = ""
            if node.get_text_iface() and role in ("text", "entry", "password text", "label", "static"):
                length = self.atspi.Text.get_character_count(node)
                text = self.atspi.Text.get_text(node, 0, length) if length else ""
            return {
                "name": name, "role": role, "text": text,
                "description": node.get_description() or "",
                "sensitive": states.contains(state.SENSITIVE),
                "visible": states.contains(state.VISIBLE),
                "checked": states.contains(state.CHECKED),
                "focused": states.contains(state.FOCUSED),
            }
        except Exception:  # it was removed while we looked
            return None

    def find(self, wanted, within=None):
        """The widgets with this name (or text) and role; a name that ends in … or * may go on."""
        found = []
        for node in self.nodes(within):
            it = self.describe(node)
            if it is None:
                continue
            name = wanted.get("name")
            if name is not None and not any(matches(name, text) for text in (it["name"], it["text"])):
                continue
            if wanted.get("role") and it["role"] not in wanted["role"].split("|"):
                continue
            if wanted.get("sensitive") is not None and it["sensitive"] != wanted["sensitive"]:
                continue
            if wanted.get("checked") is not None and it["checked"] != wanted["checked"]:
                continue
            if self.size(node)[2] <= 0:
                continue
            found.append((node, it))
        return found

    def size(self, node):
        try:
            box = node.get_extents(self.atspi.CoordType.WINDOW)
            return box.x, box.y, box.width, box.height
        except Exception:
            return 0, 0, 0, 0

    def window_of(self, node):
        while node is not None:
            if node.get_role_name() in ("frame", "dialog", "window", "alert"):
                return node
            node = node.get_parent()
        return None


def matches(wanted, text):
    if wanted.endswith("*"):
        return wanted[:-1] in text
    # The buttons of an AdwMessageDialog are named twice.
    return text in (wanted, f"{wanted} {wanted}")


def run(*words):
    return subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=30)


class Person:
    def __init__(self, directory):
        self.directory = directory
        self.screen = Screen()
        self.app = None
        self.log = None
        self.search = []

    # --- the app

    def do_launch(self, args=(), env=(), program="vpnns-desktop", wait=True, window=None):
        """Windows are the process's, or those of the class `window` where its number is that of a sandbox."""
        self.log = open(f"{self.directory}/app.log", "ab")
        environment = {**os.environ, **dict(env)}
        self.app = start([program, *args], env=environment, stdout=self.log, stderr=self.log)
        self.search = ["--class", window] if window else ["--pid", str(self.app.pid)]
        if wait:
            await_("a window of the app", lambda: next(iter(self.screen.windows()), None))
            # The window manager puts it onto the screen a moment after the app has told of it.
            if environment.get("GDK_BACKEND") != "wayland":
                await_("the window on the screen", self.x_windows)
        return {"pid": self.app.pid}

    def do_kill(self, signal_=9):
        self.app.send_signal(signal_)
        self.app.wait(20)

    def do_wait_exit(self, limit=LIMIT):
        await_("the end of the app", lambda: self.app.poll() is not None, limit)
        return {"code": self.app.returncode}

    def do_running(self):
        return {"running": self.app is not None and self.app.poll() is None}

    # --- looking

    def do_see(self, limit=LIMIT, within=None, **wanted):
        found = await_(describe(wanted), lambda: self.screen.find(wanted, within), limit)
        return {"found": [it for _, it in found]}

    def do_unsee(self, limit=LIMIT, within=None, **wanted):
        await_("the end of " + describe(wanted), lambda: not self.screen.find(wanted, within), limit)

    def do_texts(self):
        texts = []
        for node in self.screen.nodes():
            it = self.screen.describe(node)
            if it:
                texts.append([it["role"], it["name"], it["text"], *self.screen.size(node)])
        return {"texts": texts}

    def do_picture(self, path):
        time.sleep(0.6)  # what fades in is there
        run("import", "-window", "root", path)
        return {"there": os.path.exists(path)}

    # --- acting

    def do_click(self, within=None, limit=LIMIT, button=1, **wanted):
        node, _ = await_(describe(wanted), lambda: self.screen.find(wanted, within), limit)[-1 if wanted.get("last") else 0]
        self.click(node, button)

    def do_press(self, within=None, limit=LIMIT, **wanted):
        """Through the widget's own action, as a screen reader does."""
        node, _ = await_(describe(wanted), lambda: self.screen.find(wanted, within), limit)[0]
        if node.get_n_actions() > 0 and node.do_action(0):
            return
        self.click(node, 1)

    def click(self, node, button):
        number = self.x_window(self.screen.window_of(node))
        # What slides to another place is followed, as an eye does; on a loaded machine it may
        # stand still for a moment on its way.
        still = 0
        for _ in range(40):
            before = self.screen.size(node)
            x, y, width, height = before
            run("xdotool", "mousemove", "--window", number, str(x + width // 2), str(y + height // 2))
            # A click in the same place as the last one could count as a double click.
            time.sleep(0.25)
            still = still + 1 if self.screen.size(node) == before else 0
            if still == 2:
                break
        run("xdotool", "click", str(button))

    def x_window(self, window):
        """The X window of an accessible one: they share the title."""
        self.await_windows()
        title = window.get_name() if window is not None else ""
        found = run("xdotool", "search", "--onlyvisible", *self.search).stdout.split()
        named = [it for it in found if run("xdotool", "getwindowname", it).stdout.strip() == title]
        active = run("xdotool", "getactivewindow").stdout.strip()
        if active in named or (active in found and not named):
            return active
        if not (named or found):
            raise Failure("the app has no window to click on")
        return (named or found)[-1]

    def x_windows(self):
        """Those on the screen, in the order in which they lie; menus and tooltips have no name."""
        found = run("xdotool", "search", "--onlyvisible", *self.search).stdout.split()
        return [it for it in found if run("xdotool", "getwindowname", it).stdout.strip()]

    def await_windows(self):
        """A new window is told of before it is on the screen: until then the one behind it would get everything."""
        def are_there():
            shown = len(self.x_windows())
            windows = [it for it in self.screen.windows() if not self.screen.is_hidden(it)]
            # One that was never presented has no size. Without any here they are on another display.
            return not shown or shown >= sum(self.screen.size(it)[2] > 0 for it in windows)

        try:
            await_("the windows on the screen", are_there, limit=3)
        except Failure:  # one of them is minimized; the test knows
            pass

    def do_type(self, text):
        self.await_focus()
        run("xdotool", "type", "--delay", "15", "--", text)

    def await_focus(self):
        """A key pressed before the window manager has given the focus to a new window goes to another one."""
        def is_there():
            named = self.x_windows()
            return not named or run("xdotool", "getactivewindow").stdout.strip() == named[-1]

        if self.app is not None and self.app.poll() is None:
            self.await_windows()
            try:
                await_("the focus", is_there, limit=5)
            except Failure:  # it is another program's; the test knows
                pass

    def do_focus(self):
        self.await_focus()
        # The app has heard of it once it has told all that it shows.
        self.do_texts()

    def do_key(self, keys):
        for key in keys.split():
            self.await_focus()
            run("xdotool", "key", key)
            time.sleep(0.15)

    def do_size(self, width, height):
        number = run("xdotool", "search", "--onlyvisible", *self.search).stdout.split()[-1]
        run("xdotool", "windowsize", "--sync", number, str(width), str(height))
        run("xdotool", "windowmove", number, "20", "20")

    def do_mouse(self, x, y, button=None):
        run("xdotool", "mousemove", str(x), str(y))
        time.sleep(0.2)
        if button:
            run("xdotool", "click", str(button))

    def do_shell(self, script, limit=60):
        done = subprocess.run(["bash", "-c", script], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              timeout=limit)
        return {"code": done.returncode, "output": done.stdout}

    def do_start(self, words):
        """Another program of the session, which ends with it."""
        log = open(f"{self.directory}/others.log", "ab")
        return {"pid": start(words, stdout=log, stderr=log).pid}


def describe(wanted):
    return " ".join(f"{key}={value!r}" for key, value in wanted.items())


def serve(person, listener):
    connection, _ = listener.accept()
    with connection, connection.makefile("rwb") as stream:
        for line in stream:
            request = json.loads(line)
            method = getattr(person, "do_" + request.pop("do"))
            try:
                answer = {"ok": True, **(method(**request) or {})}
            except Exception as error:  # told to the test, which fails by it
                answer = {"ok": False, "error": f"{type(error).__name__}: {error}"}
            stream.write(json.dumps(answer).encode() + b"\n")
            stream.flush()


def main():
    directory, size = sys.argv[1], sys.argv[2]
    os.environ.setdefault("GSK_RENDERER", "cairo")
    os.environ.update(GTK_USE_PORTAL="0", ADW_DISABLE_PORTAL="1", GTK_A11Y="atspi", XDG_SESSION_TYPE="x11",
                      NO_AT_BRIDGE="0", XDG_CURRENT_DESKTOP="GNOME")
    os.environ.pop("WAYLAND_DISPLAY", None)
    # What a GNOME session says; without it GTK takes any font.
    settings = os.path.expanduser("~/.config/gtk-4.0")
    os.makedirs(settings, exist_ok=True)
    with open(f"{settings}/settings.ini", "w") as file:
        file.write("[Settings]\ngtk-font-name=Cantarell 11\n")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        x_server(size)
        session_bus(directory)
        for program in (["openbox"], ["picom", "--backend", "xrender", "--config", "/dev/null"]):
            start(program, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(f"{directory}/person")
        listener.listen(1)
        person = Person(directory)
        print("ready", flush=True)
        serve(person, listener)
    finally:
        for child in reversed(children):
            end(child)


main()
