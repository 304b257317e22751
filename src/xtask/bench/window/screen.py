"""The screen of `cargo xtask bench window`: an X server, a session bus and a window manager of its own, and
what is seen of a program there from outside. Orders come as lines of JSON on stdin, and so do the answers on
stdout; everything ends with the input.

Nothing in the programs helps with the measuring: a frame is a change of the window's pixels that the X server
reports (the Damage extension), and what a process does is what /proc says.
"""
import json
import os
import select
import signal
import subprocess
import sys
import time

from Xlib import X, XK, Xatom, Xutil, display, error
from Xlib.ext import damage, xtest
from Xlib.protocol import event

LIMIT = 60.0  # seconds that anything may take, generous for a loaded machine
QUIET = 0.7  # seconds without a new frame after which a window is settled
SIZE = (1280, 900)
STEPS, PIXELS = 40, 10  # how often the scroll bar is dragged on, and how far
HEADER = 24  # a row of pixels in the middle of the header bar


class Failure(Exception):
    pass


def end_with_us():
    """A child gets SIGTERM when this process has died, however it did."""
    import ctypes
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)


class Desktop:
    """The servers of a session, and the eyes and the hand of a person in front of it."""

    def __init__(self, directory, renderer):
        self.directory = directory
        os.environ.update({
            "XDG_RUNTIME_DIR": directory, "GSK_RENDERER": renderer, "GDK_BACKEND": "x11", "GTK_USE_PORTAL": "0",
            "ADW_DISABLE_PORTAL": "1", "XDG_DATA_DIRS": "/usr/local/share:/usr/share", "LC_ALL": "C.UTF-8",
        })
        self.children = []
        self.watched = set()  # windows whose frames the server reports
        read, write = os.pipe()
        self.start(["Xvfb", "-displayfd", str(write), "-screen", "0", "%dx%dx24" % SIZE, "-nolisten", "tcp"],
                   pass_fds=[write])
        os.close(write)
        with os.fdopen(read) as number:
            os.environ["DISPLAY"] = ":" + number.readline().strip()
        address = f"unix:path={directory}/bus"
        self.start(["dbus-daemon", "--session", "--nofork", "--nopidfile", "--address", address])
        self.wait("the session bus", lambda: os.path.exists(f"{directory}/bus"))
        os.environ["DBUS_SESSION_BUS_ADDRESS"] = address
        self.display = display.Display()
        self.root = self.display.screen().root
        self.root.change_attributes(event_mask=X.SubstructureNotifyMask)
        self.display.damage_query_version()
        check = self.display.intern_atom("_NET_SUPPORTING_WM_CHECK")
        self.start(["openbox", "--sm-disable"])
        self.wait("the window manager", lambda: self.root.get_full_property(check, X.AnyPropertyType))

    def start(self, words, **more):
        log = open(f"{self.directory}/{os.path.basename(words[0])}.log", "ab")
        child = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=end_with_us,
                                 **more)
        log.close()
        self.children.append(child)
        return child

    def end(self):
        for child in reversed(self.children):
            finish(child)

    def wait(self, what, seen):
        until = time.monotonic() + LIMIT
        while not (found := seen()):
            if time.monotonic() > until:
                raise Failure(f"waited in vain for {what}")
            time.sleep(0.02)
        return found

    def next_event(self, until):
        """The next event with the time at which it was seen, or None when the time is up."""
        while not self.display.pending_events():
            left = until - time.monotonic()
            if left <= 0 or not select.select([self.display.fileno()], [], [], left)[0]:
                return None, time.monotonic()
        return self.display.next_event(), time.monotonic()

    def forget_events(self):
        self.display.sync()
        while self.display.pending_events():
            self.display.next_event()

    def forget_windows(self):
        """The windows of a new program may have the numbers of those of an old one."""
        self.watched.clear()

    def belongs_to(self, window, pid):
        atom = self.display.intern_atom("_NET_WM_PID")
        try:
            owner = window.get_full_property(atom, Xatom.CARDINAL)
        except error.BadWindow:
            return False
        return owner is not None and owner.value[0] == pid

    def has_content(self, window):
        """Whether the header bar's row of pixels is of more than one colour: it has been drawn."""
        try:
            width = window.get_geometry().width
            row = window.get_image(0, HEADER, width, 1, X.ZPixmap, 0xFFFFFFFF).data
        except (error.BadWindow, error.BadMatch, error.BadDrawable):
            return False
        return any(row[at:at + 3] != row[:3] for at in range(0, len(row), 4))

    def open(self, words, pid=None):
        """Starts a program, and watches until its window is settled; or, with a pid, a program that lets the
        process of that pid open the window. The window, and when its frames were seen, in seconds."""
        self.forget_events()
        if pid is None:
            self.forget_windows()
        began = time.monotonic()
        child = self.start(words)

        def check():
            if child.poll() not in (None, 0):
                raise Failure(f"{words[0]} has ended: {self.log(words[0])}")

        window, frames = self.appears(pid or child.pid, check)
        return child, window, [frame - began for frame in frames]

    def appears(self, pid, check=lambda: None, besides=None):
        """Waits for a window of a process, and until it is settled; the times of its frames."""
        limit = time.monotonic() + LIMIT
        ours, frames = None, []
        while True:
            seen, now = self.next_event(frames[-1] + QUIET if frames else limit)
            if seen is None:
                if frames:
                    return ours, frames
                raise Failure("no window has appeared")
            check()
            # GTK makes a window of one pixel, and gives it its size before it is shown.
            if seen.type == X.ConfigureNotify and seen.width > 300 and seen.window.id not in self.watched:
                self.watched.add(seen.window.id)
                try:
                    seen.window.damage_create(damage.DamageReportRawRectangles)
                except error.BadDrawable:
                    continue
                self.display.flush()
            elif seen.type == self.display.extension_event.DamageNotify:
                window = self.display.create_resource_object("window", seen.drawable.id)
                if besides is not None and window.id == besides.id:
                    continue
                if ours is None and self.belongs_to(window, pid) and self.has_content(window):
                    ours = window
                if ours is not None and window.id == ours.id and (not frames or now - frames[-1] > 0.001):
                    frames.append(now)

    def log(self, program):
        with open(f"{self.directory}/{os.path.basename(program)}.log", errors="replace") as log:
            return log.read()[-2000:]

    def tell(self, target, window, kind, values):
        atom = self.display.intern_atom(kind)
        message = event.ClientMessage(window=window, client_type=atom, data=(32, (values + [0] * 5)[:5]))
        mask = X.SubstructureRedirectMask | X.SubstructureNotifyMask if target == self.root else 0
        target.send_event(message, event_mask=mask)
        self.display.flush()

    def close(self, window):
        self.tell(window, window, "WM_PROTOCOLS", [self.display.intern_atom("WM_DELETE_WINDOW"), X.CurrentTime])

    def iconify(self, window):
        self.tell(self.root, window, "WM_CHANGE_STATE", [Xutil.IconicState])

    def is_viewable(self, window):
        try:
            return window.get_attributes().map_state == X.IsViewable
        except error.BadWindow:
            return False

    def keys(self, *names):
        """Presses keys together."""
        codes = [self.display.keysym_to_keycode(XK.string_to_keysym(name)) for name in names]
        for code in codes:
            xtest.fake_input(self.display, X.KeyPress, code)
        for code in reversed(codes):
            xtest.fake_input(self.display, X.KeyRelease, code)
        self.display.flush()

    def point_at(self, window):
        size = window.get_geometry()
        place = window.translate_coords(self.root, 0, 0)
        # From the window's place in the root to the root's in the window.
        xtest.fake_input(self.display, X.MotionNotify, x=size.width // 2 - place.x, y=size.height * 3 // 4 - place.y)
        self.display.flush()

    def turn_wheel(self):
        for kind in (X.ButtonPress, X.ButtonRelease):
            xtest.fake_input(self.display, kind, 5)
        self.display.flush()

    def grab_bar(self, window):
        """Takes the scroll bar where the mouse is, from where it is dragged down."""
        size = window.get_geometry()
        place = window.translate_coords(self.root, 0, 0)
        x, y = size.width - 8 - place.x, size.height // 4 - place.y
        xtest.fake_input(self.display, X.MotionNotify, x=x, y=y)
        self.display.flush()
        time.sleep(0.5)  # it grows where the mouse is
        xtest.fake_input(self.display, X.ButtonPress, 1)
        self.display.flush()
        # What this jump draws is not asked for; held for longer, a bar moves finely.
        until = time.monotonic() + 0.2
        while self.next_event(until)[0]:
            pass

    def drag(self):
        pointer = self.root.query_pointer()
        xtest.fake_input(self.display, X.MotionNotify, x=pointer.root_x, y=pointer.root_y + PIXELS)
        self.display.flush()

    def let_go(self):
        xtest.fake_input(self.display, X.ButtonRelease, 1)
        self.display.flush()


def finish(child):
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(5)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def read(path):
    with open(path) as file:
        return file.read()


def below(pid):
    """A process and all that it has started."""
    found = [pid]
    for task in os.listdir(f"/proc/{pid}/task"):
        for child in read(f"/proc/{pid}/task/{task}/children").split():
            found += below(int(child))
    return found


def memory(pid):
    """In MB: all in memory, with a fair share of what is shared, and what is nobody else's."""
    lines = dict(line.split(":", 1) for line in read(f"/proc/{pid}/smaps_rollup").splitlines()[1:])
    return {name: int(lines[name].split()[0]) / 1024 for name in ("Rss", "Pss", "Anonymous")}


def switches(pid):
    """How often each thread of a process has been on a processor and left it again."""
    found = {}
    for task in os.listdir(f"/proc/{pid}/task"):
        try:
            lines = dict(line.split(":", 1) for line in read(f"/proc/{pid}/task/{task}/status").splitlines())
        except FileNotFoundError:
            continue
        count = int(lines["voluntary_ctxt_switches"]) + int(lines["nonvoluntary_ctxt_switches"])
        found[task] = (lines["Name"].strip(), count)
    return found


def wakeups(pid, seconds):
    """How often a second each thread of the process, and of what it has started, was woken up."""
    processes = below(pid)
    before = {process: switches(process) for process in processes}
    time.sleep(seconds)
    if below(pid) != processes:
        raise Failure("a process was started or has ended while nothing was to happen")
    total, who = {"itself": 0.0, "started": 0.0}, []
    for process in processes:
        for task, (name, count) in switches(process).items():
            woken = (count - before[process].get(task, (name, 0))[1]) / seconds
            total["itself" if process == pid else "started"] += woken
            if woken:
                who.append(f"{name} ({'itself' if process == pid else 'started'}): {woken:.1f}")
    return {"wakeups": total, "who": who}


def settle(pid):
    """Waits until a process and what it has started have slept for a second."""
    until = time.monotonic() + LIMIT
    while True:
        before = {process: switches(process) for process in below(pid)}
        time.sleep(1)
        now = {process: switches(process) for process in below(pid)}
        if now == before or time.monotonic() > until:
            return


def waited(pid):
    """How long a process's main thread was ready to run, and others ran instead, in seconds."""
    return int(read(f"/proc/{pid}/task/{pid}/schedstat").split()[1]) / 1e9


def processor_time(pid):
    """How long all threads of a process have been on a processor, in seconds."""
    return sum(int(read(f"/proc/{pid}/task/{task}/schedstat").split()[0]) for task in os.listdir(f"/proc/{pid}/task")) / 1e9


class Work:
    """The orders."""

    def __init__(self, desktop):
        self.desktop = desktop

    def first(self, words):
        """From the start of a program to its first frame and its last, and its memory then."""
        child, window, frames = self.desktop.open(words)
        used = processor_time(child.pid)
        settle(child.pid)
        answer = {
            "first": frames[0] * 1000, "last": frames[-1] * 1000, "processor": used * 1000, "memory": memory(child.pid),
            "started": sum(memory(process)["Anonymous"] for process in below(child.pid)[1:]),
        }
        finish(child)
        return answer

    def idle(self, words, seconds):
        """Wake-ups with a window, and with an iconified one."""
        child, window, _ = self.desktop.open(words)
        settle(child.pid)
        answer = {"visible": wakeups(child.pid, seconds)}
        answer["iconified"] = self.iconified(child.pid, window, seconds)
        finish(child)
        return answer

    def iconified(self, pid, window, seconds):
        self.desktop.iconify(window)
        self.desktop.wait("an iconified window", lambda: not self.desktop.is_viewable(window))
        settle(pid)
        return wakeups(pid, seconds)

    def background(self, words, seconds):
        """Wake-ups before there is a window, with one, with an iconified one, and after it was closed."""
        # Where nobody shows its icon it would rather end with its window than hide.
        tray = self.desktop.start(["/usr/bin/python3", f"{self.desktop.directory}/tray.py"])
        child = self.desktop.start(words + ["--background"])
        self.desktop.forget_windows()
        self.desktop.wait("the helper", lambda: len(below(child.pid)) > 1)
        self.desktop.wait("the tray icon", lambda: self.desktop.log("python3"))
        settle(child.pid)
        never = wakeups(child.pid, seconds)
        caller, window, _ = self.desktop.open(words, child.pid)
        settle(child.pid)
        visible = wakeups(child.pid, seconds)
        self.desktop.close(window)
        self.desktop.wait("a closed window", lambda: not self.desktop.is_viewable(window))
        if child.poll() is not None:
            raise Failure("the program has ended with its window")
        settle(child.pid)
        closed = wakeups(child.pid, seconds)
        again, window, _ = self.desktop.open(words, child.pid)
        answer = {"without a window": never, "visible": visible, "closed": closed}
        answer["iconified"] = self.iconified(child.pid, window, seconds)
        for process in (caller, again, child, tray):
            finish(process)
        return answer

    def is_move(self, event, window, height):
        """Whether the whole list was drawn anew, not only the mark of the row under the mouse."""
        kind = self.desktop.display.extension_event.DamageNotify
        return event.type == kind and event.drawable.id == window and event.area.height * 2 > height

    def frames(self, child, window, count, move):
        """How long after each move the moved list was seen, in milliseconds, and the same without the time for which
        other programs had the processor. A move follows when a screen would be drawn."""
        frames, own = [], []
        height = window.get_geometry().height
        for _ in range(count):
            moved, before = time.monotonic(), waited(child.pid)
            move()
            seen, now = self.desktop.next_event(moved + LIMIT)
            while seen and not self.is_move(seen, window.id, height):
                seen, now = self.desktop.next_event(moved + LIMIT)
            if seen is None:
                raise Failure("the list has not moved")
            frames.append((now - moved) * 1000)
            own.append((now - moved - (waited(child.pid) - before)) * 1000)
            until = moved + (int((now - moved) * 60) + 1) / 60
            while self.desktop.next_event(until)[0]:
                pass
        return frames, own

    def scroll(self, words, turns):
        """Frames of the list of apps, turned on by the wheel and dragged by its bar."""
        child, main_window, _ = self.desktop.open(words)
        settle(child.pid)
        self.desktop.forget_events()
        began = time.monotonic()
        self.desktop.keys("Control_L", "o")
        window, frames = self.desktop.appears(child.pid, besides=main_window)
        answer = {"opened": (frames[0] - began) * 1000}
        settle(child.pid)
        self.desktop.point_at(window)
        settle(child.pid)
        self.desktop.forget_events()
        answer["frames"], answer["own"] = self.frames(child, window, turns, self.desktop.turn_wheel)
        self.desktop.grab_bar(window)
        answer["dragged"], answer["own dragged"] = self.frames(child, window, STEPS, self.desktop.drag)
        self.desktop.let_go()
        finish(child)
        return answer


def main():
    desktop = Desktop(sys.argv[1], sys.argv[2])
    work = Work(desktop)
    print(json.dumps("ready"), flush=True)
    try:
        for line in sys.stdin:
            order = json.loads(line)
            try:
                answer = getattr(work, order.pop("do"))(**order)
            except Failure as failure:
                answer = {"failure": str(failure)}
            print(json.dumps(answer), flush=True)
    finally:
        desktop.end()


signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
main()
