"""A window with a real text field (GTK 3), whose text is written to a file at every change.

    text_field.py OUT [--entry] [--slow SECONDS]     --slow: busy for so long after each change
"""
import sys
import time

import gi

gi.require_version("Gtk", "3.0")
from gi.repository import GLib, Gtk  # noqa: E402

out = sys.argv[1]
slow = float(sys.argv[sys.argv.index("--slow") + 1]) if "--slow" in sys.argv else 0.0
window = Gtk.Window(title="text field")
window.set_default_size(400, 300)
if "--entry" in sys.argv:
    field = Gtk.Entry()

    def text():
        return field.get_text()

    field.connect("changed", lambda *_: show())
else:
    field = Gtk.TextView()
    buffer = field.get_buffer()

    def text():
        return buffer.get_text(buffer.get_start_iter(), buffer.get_end_iter(), True)

    buffer.connect("changed", lambda *_: show())


def show():
    with open(out + ".part", "w", encoding="utf-8") as file:
        file.write(text())
    import os

    os.replace(out + ".part", out)
    if slow:
        time.sleep(slow)


window.add(field)
window.connect("destroy", Gtk.main_quit)
field.connect("focus-in-event", lambda *_: GLib.idle_add(show) and False)
window.show_all()
window.present()
field.grab_focus()
Gtk.main()
