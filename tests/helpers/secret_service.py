# SPDX-License-Identifier: GPL-3.0-or-later
"""org.freedesktop.secrets with the items, the locks and the prompts that a test wants.

    python3 secret_service.py '{"items": [{"attributes": {...}, "secret": "..."}], ...}'

locked    its only collection is locked
hides     a locked collection shows no items, as KeePassXC's does
prompt    what comes of a prompt: "unlock", "dismiss", "ignore", or "hang": not even
          when it is taken back
quietly   Unlock needs no prompt
default   false: there is no default collection
fails     every search ends with an error
"""

import json
import sys

from gi.repository import Gio, GLib

XML = """
<node>
 <interface name="org.freedesktop.Secret.Service">
  <method name="OpenSession"><arg type="s" direction="in"/><arg type="v" direction="in"/>
   <arg type="v" direction="out"/><arg type="o" direction="out"/></method>
  <method name="SearchItems"><arg type="a{ss}" direction="in"/>
   <arg type="ao" direction="out"/><arg type="ao" direction="out"/></method>
  <method name="Unlock"><arg type="ao" direction="in"/>
   <arg type="ao" direction="out"/><arg type="o" direction="out"/></method>
  <method name="ReadAlias"><arg type="s" direction="in"/><arg type="o" direction="out"/></method>
  <method name="GetSecrets"><arg type="ao" direction="in"/><arg type="o" direction="in"/>
   <arg type="a{o(oayays)}" direction="out"/></method>
  <property name="Collections" type="ao" access="read"/>
 </interface>
 <interface name="org.freedesktop.Secret.Collection">
  <method name="CreateItem"><arg type="a{sv}" direction="in"/><arg type="(oayays)" direction="in"/>
   <arg type="b" direction="in"/><arg type="o" direction="out"/><arg type="o" direction="out"/></method>
  <property name="Items" type="ao" access="read"/>
  <property name="Label" type="s" access="read"/>
  <property name="Locked" type="b" access="read"/>
  <property name="Created" type="t" access="read"/>
  <property name="Modified" type="t" access="read"/>
 </interface>
 <interface name="org.freedesktop.Secret.Item">
  <method name="GetSecret"><arg type="o" direction="in"/><arg type="(oayays)" direction="out"/></method>
  <method name="Delete"><arg type="o" direction="out"/></method>
  <property name="Attributes" type="a{ss}" access="read"/>
  <property name="Label" type="s" access="read"/>
  <property name="Locked" type="b" access="read"/>
  <property name="Created" type="t" access="read"/>
  <property name="Modified" type="t" access="read"/>
 </interface>
 <interface name="org.freedesktop.Secret.Prompt">
  <method name="Prompt"><arg type="s" direction="in"/></method>
  <method name="Dismiss"/>
  <signal name="Completed"><arg type="b"/><arg type="v"/></signal>
 </interface>
</node>
"""
SERVICE = "/org/freedesktop/secrets"
COLLECTION = SERVICE + "/collection/only"
SESSION = SERVICE + "/session/1"
PROMPT = SERVICE + "/prompt/1"

state = {"locked": False, "hides": False, "prompt": "dismiss", "quietly": False,
         "default": True, "fails": False} | json.loads(sys.argv[1])
items = {f"{COLLECTION}/{number}": item for number, item in enumerate(state["items"])}
wanted = []


def visible():
    return {} if state["locked"] and state["hides"] else items


def secret_of(path):
    return (SESSION, b"", items[path]["secret"].encode(), "text/plain")


def open_session(algorithm, _):
    if algorithm != "plain":
        return "org.freedesktop.DBus.Error.NotSupported", "plain only"
    return GLib.Variant("(vo)", (GLib.Variant("s", ""), SESSION))


def search(attributes):
    if state["fails"]:
        return "org.example.Error.OnFire", "it is on fire"
    found = [path for path, item in visible().items()
             if attributes.items() <= item["attributes"].items()]
    return GLib.Variant("(aoao)", ([], found) if state["locked"] else (found, []))


def unlock(paths):
    if not state["locked"] or state["quietly"]:
        state["locked"] = False
        return GLib.Variant("(aoo)", (paths, "/"))
    wanted[:] = paths
    return GLib.Variant("(aoo)", ([], PROMPT))


def get_secrets(paths, _):
    found = {} if state["locked"] else {path: secret_of(path) for path in paths}
    return GLib.Variant("(a{o(oayays)})", (found,))


def get_secret(path, _):
    if state["locked"]:
        return "org.freedesktop.Secret.Error.IsLocked", "locked"
    return GLib.Variant("((oayays))", (secret_of(path),))


def complete(dismissed):
    result = GLib.Variant("ao", [] if dismissed else wanted)
    bus.emit_signal(None, PROMPT, "org.freedesktop.Secret.Prompt", "Completed",
                    GLib.Variant("(bv)", (dismissed, result)))


def prompt(_):
    if state["prompt"] in ("unlock", "dismiss"):
        state["locked"] = state["locked"] and state["prompt"] != "unlock"
        GLib.timeout_add(50, complete, state["prompt"] != "unlock")
    return None


def dismiss():
    if state["prompt"] != "hang":
        GLib.timeout_add(50, complete, True)


def delete(path):
    del items[path]
    return GLib.Variant("(o)", ("/",))


METHODS = {
    "OpenSession": open_session,
    "SearchItems": search,
    "Unlock": unlock,
    "ReadAlias": lambda alias: GLib.Variant("(o)", (COLLECTION if state["default"] else "/",)),
    "GetSecrets": get_secrets,
    "Prompt": prompt,
    "Dismiss": dismiss,
}
METHODS_OF_ITEMS = {
    "GetSecret": get_secret,
    "Delete": delete,
}
PROPERTIES = {
    "Collections": lambda path: GLib.Variant("ao", [COLLECTION]),
    "Items": lambda path: GLib.Variant("ao", list(visible())),
    "Attributes": lambda path: GLib.Variant("a{ss}", items[path]["attributes"]),
    "Label": lambda path: GLib.Variant("s", "label"),
    "Locked": lambda path: GLib.Variant("b", state["locked"]),
    "Created": lambda path: GLib.Variant("t", 1),
    "Modified": lambda path: GLib.Variant("t", 1),
}


def on_call(_bus, _sender, path, _interface, method, arguments, call):
    with open(state["calls"], "a", encoding="ascii") as file:
        print(method, file=file)
    values = arguments.unpack()
    answer = (METHODS_OF_ITEMS[method](path, *values) if method in METHODS_OF_ITEMS
              else METHODS[method](*values))
    if isinstance(answer, tuple):
        call.return_dbus_error(*answer)
    else:
        call.return_value(answer)


def on_get(_bus, _sender, path, _interface, name):
    return PROPERTIES[name](path)


bus = Gio.bus_get_sync(Gio.BusType.SESSION)
interfaces = {one.name.split(".")[-1]: one
              for one in Gio.DBusNodeInfo.new_for_xml(XML).interfaces}
for where, interface in [(SERVICE, "Service"), (COLLECTION, "Collection"), (PROMPT, "Prompt"),
                         *((path, "Item") for path in items)]:
    bus.register_object(where, interfaces[interface], on_call, on_get, None)


def on_name(*_):
    with open(state["ready"], "w", encoding="ascii"):
        pass


Gio.bus_own_name_on_connection(bus, "org.freedesktop.secrets", Gio.BusNameOwnerFlags.NONE,
                               on_name, None)
GLib.MainLoop().run()
