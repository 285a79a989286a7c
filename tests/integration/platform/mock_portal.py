"""A desktop portal as far as Scout uses it, on a bus of its own. Commands come from standard input, a line each; what
it sees goes to standard output.

    press | release | close | quit      and the words of the command line: no (the user refuses), busy (never answers)
"""
import sys
import threading
import time

import dbus
import dbus.service
from dbus.mainloop.glib import DBusGMainLoop
from gi.repository import GLib

DBusGMainLoop(set_as_default=True)
NAME, PATH = "org.freedesktop.portal.Desktop", "/org/freedesktop/portal/desktop"
SHORTCUTS, REMOTE = "org.freedesktop.portal.GlobalShortcuts", "org.freedesktop.portal.RemoteDesktop"
REQUEST, SESSION = "org.freedesktop.portal.Request", "org.freedesktop.portal.Session"


def show(*words):
    print(*words, flush=True)


class Session(dbus.service.Object):
    @dbus.service.signal(SESSION, signature="")
    def Closed(self):
        pass

    @dbus.service.method(SESSION, in_signature="", out_signature="")
    def Close(self):
        show("session closed")


class Portal(dbus.service.Object):
    session = None

    def answer(self, sender, options, results, code=None):
        """The answer is a signal of the request's own object, to whoever asked."""
        path = PATH + "/request/" + sender[1:].replace(".", "_") + "/" + options["handle_token"]
        if "busy" in sys.argv and code is None:
            return dbus.ObjectPath(path)
        code = (1 if "no" in sys.argv else 0) if code is None else code

        def send():
            message = dbus.lowlevel.SignalMessage(path, REQUEST, "Response")
            message.append(dbus.UInt32(code), dbus.Dictionary(results, signature="sv"), signature="ua{sv}")
            message.set_destination(sender)
            self.connection.send_message(message)
            return False

        # Sometimes it comes before the call itself is answered.
        send() if len(options["handle_token"]) % 2 else GLib.timeout_add(20, send)
        return dbus.ObjectPath(path)

    def make_session(self, sender, options):
        path = PATH + "/session/" + sender[1:].replace(".", "_") + "/" + options["session_handle_token"]
        self.session = path
        self.session_object = Session(self.connection, path)
        return self.answer(sender, options, {"session_handle": path}, 0)

    @dbus.service.method(SHORTCUTS, in_signature="a{sv}", out_signature="o", sender_keyword="sender")
    def CreateSession(self, options, sender=None):
        return self.make_session(sender, options)

    @dbus.service.method(SHORTCUTS, in_signature="oa(sa{sv})sa{sv}", out_signature="o", sender_keyword="sender")
    def BindShortcuts(self, session, shortcuts, window, options, sender=None):
        assert session == self.session
        name, about = shortcuts[0]
        show("bind", name, about["preferred_trigger"], about["description"])
        told = dbus.Array(
            [(name, dbus.Dictionary({"description": "x", "trigger_description": "Press <Meta>D"}, signature="sv"))],
            signature="(sa{sv})",
        )
        return self.answer(sender, options, {"shortcuts": told})

    @dbus.service.signal(SHORTCUTS, signature="osta{sv}")
    def Activated(self, session, name, timestamp, options):
        pass

    @dbus.service.signal(SHORTCUTS, signature="osta{sv}")
    def Deactivated(self, session, name, timestamp, options):
        pass

    @dbus.service.method(dbus.PROPERTIES_IFACE, in_signature="ss", out_signature="v")
    def Get(self, interface, name):
        if interface not in (SHORTCUTS, REMOTE) or "none" in sys.argv:
            raise dbus.exceptions.DBusException("no such interface", name="org.freedesktop.DBus.Error.UnknownInterface")
        return dbus.UInt32(2)


# The second interface has methods of the same names, which dbus-python cannot have in one object.
def remote_call(portal, message):
    sender, member, arguments = message.get_sender(), message.get_member(), message.get_args_list()
    if member == "CreateSession":
        return portal.make_session(sender, arguments[0])
    if member == "SelectDevices":
        options = arguments[1]
        show("devices", int(options["types"]), int(options["persist_mode"]), options.get("restore_token", "-"))
        return portal.answer(sender, options, {}, 0)
    if member == "Start":
        return portal.answer(sender, arguments[2], {"devices": dbus.UInt32(1), "restore_token": "token-2"})
    if member == "NotifyKeyboardKeysym":
        show("key", hex(int(arguments[2])), int(arguments[3]))
    return None


def filter_remote(connection, message):
    if message.get_type() != 1 or message.get_interface() != REMOTE:
        return dbus.lowlevel.HANDLER_RESULT_NOT_YET_HANDLED
    result = remote_call(portal, message)
    reply = dbus.lowlevel.MethodReturnMessage(message)
    if result is not None:
        reply.append(result, signature="o")
    connection.send_message(reply)
    return dbus.lowlevel.HANDLER_RESULT_HANDLED


def obey():
    for line in sys.stdin:
        now = dbus.UInt64(time.monotonic_ns() // 1000000)
        words = {
            "press": lambda: portal.Activated(portal.session, "dictate", now, {}),
            "release": lambda: portal.Deactivated(portal.session, "dictate", now, {}),
            "other": lambda: portal.Activated(portal.session, "another", now, {}),
            "close": lambda: portal.session_object.Closed(),
        }
        command = line.strip()
        if command in words:
            GLib.idle_add(lambda act=words[command]: act() and False)
    GLib.idle_add(loop.quit)


bus = dbus.SessionBus()
bus.add_message_filter(filter_remote)
name = dbus.service.BusName(NAME, bus)
portal = Portal(bus, PATH)
loop = GLib.MainLoop()
threading.Thread(target=obey, daemon=True).start()
show("ready")
loop.run()
