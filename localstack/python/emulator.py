"""Runs one emulator on a free loopback port and says which: `emulator.py moto|ministack`.

The first line on standard output is the port. The process ends as soon as standard input does, which is when
the process that started it stops or dies, however it dies.
"""

import os
import socket
import sys
import threading


def end_with_parent():
    def wait():
        while os.read(0, 1024):
            pass
        os._exit(0)

    threading.Thread(target=wait, daemon=True).start()


def announce(port):
    print(port, flush=True)
    os.dup2(2, 1)  # whatever an emulator prints from now on belongs into the log


class OneAtATime:
    """moto shares plain dictionaries between threads; side by side it loses writes."""

    def __init__(self, app):
        self.app = app
        self.lock = threading.Lock()

    def __call__(self, environ, start_response):
        with self.lock:
            return list(self.app(environ, start_response))


def remember():
    """moto finds the same things out again at each request: its own modules and methods; and a thing's tags by comparing its
    id with those of all tags, which takes seconds where there are a thousand things."""
    import functools

    from moto import backends
    from moto.core import responses
    from moto.ec2.models.core import TaggedEC2Resource
    from moto.ec2.utils import EC2_PREFIX_TO_RESOURCE, get_prefix

    def get_tags(self):
        tags = self.ec2_backend.tags.get(self.id) if self.id else None
        if not tags:
            return []
        kind = EC2_PREFIX_TO_RESOURCE.get(get_prefix(self.id), "")
        return [{"resource_id": self.id, "key": key, "value": tags[key], "resource_type": kind} for key in tags]

    TaggedEC2Resource.get_tags = get_tags
    modules = list(backends.list_of_moto_modules())
    backends.list_of_moto_modules = lambda: modules
    responses.method_names_from_class = functools.cache(responses.method_names_from_class)


def compare():
    """moto makes a regular expression of each value of a filter for each thing that it has; most values are plain ids. To be
    called before anything imports the function by its name."""
    import functools

    from moto.core import utils

    by_pattern = utils.aws_api_matches

    @functools.lru_cache(maxsize=10_000)
    def is_plain(pattern):
        return pattern.replace("-", "").isalnum()

    def aws_api_matches(pattern, string):
        return pattern == str(string) if is_plain(pattern) else by_pattern(pattern, string)

    utils.aws_api_matches = aws_api_matches
    from moto.ec2 import utils as of_ec2

    of_ec2.simple_aws_filter_to_re = functools.lru_cache(maxsize=10_000)(of_ec2.simple_aws_filter_to_re)


def render():
    """moto asks, for every member of every thing in an answer, under which of a dozen names it may be kept, and writes XML event
    by event: a hundred things cost a tenth of a second, in which nobody else is served. And while a long answer is written, Python
    would look for garbage among all that moto has, again and again."""
    import gc
    from types import SimpleNamespace
    from xml.sax.saxutils import escape, quoteattr

    from moto.core import serialize

    ask, picker = serialize.ResponseSerializer.get_value, serialize.XFormedAttributePicker
    missing, value_of, by_events = serialize.MISSING, serialize.get_value, serialize.xmltodict.unparse
    whole = serialize.ResponseSerializer.serialize

    def names_of(key, shape, value):
        """What the member of a structure may be called in things of a class."""
        known = shape.__dict__.setdefault("kept_as", {})
        names = known.get(type(value))
        if names is None:
            context = serialize.AttributePickerContext(obj=value, key=key, shape=shape)
            names = dict.fromkeys(picker().get_possible_keys(context))
            # What leads from thing to thing, and what things have that are asked like a dictionary, takes moto's own way.
            plain = dict.get if type(value) is dict else None if hasattr(type(value), "__getitem__") else getattr
            names = known[type(value)] = [(name, plain if plain and "." not in name else value_of) for name in names]
        return names

    def changes_of(changes, key, shape):
        """The ends of the paths at which a service changes the values of a member. It may say more of them at any time."""
        (count, ends) = shape.__dict__.get("changed_at", (0, []))
        if count != len(changes):
            ends = [end for end in changes if end.endswith(f".{key}") or key.endswith(end)]
            shape.__dict__["changed_at"] = (len(changes), ends)
        return ends

    def get_value(self, value, key, shape):
        if getattr(shape, "parent", None) is None or type(self._value_picker) is not picker:
            return ask(self, value, key, shape)
        found = None
        for name, take in names_of(key, shape, value):
            it = take(value, name, missing)
            if it is not missing:
                found = it
                break
        changes = self._value_picker.response_transformers
        for end in changes_of(changes, key, shape):
            if ".".join([*self.path, key]).endswith(end):
                return changes[end](found)
        return found

    def members_of(self, shape):
        """The members of a structure, and the names in the answer of those that are plain texts."""
        members = shape.__dict__.get("written_as")
        if members is None:
            members = shape.__dict__["written_as"] = []
            for key, member in shape.members.items():
                member.parent = shape
                is_plain = member.type_name == "string" and not {"xmlNamespace", "xmlAttribute"} & set(member.serialization)
                members.append((key, member, self.get_serialized_name(member, key) if is_plain else None))
        return members

    def structure(self, serialized, value, shape, key):
        if value is None:
            return
        wrapper = {} if key else serialized
        for name, member, text in members_of(self, shape):
            found = self.get_value(value, name, member)
            if found is None:
                continue
            if text:
                wrapper[text] = str(found)
            else:
                self._serialize(wrapper, found, member, name)
        if key:
            self._default_serialize(serialized, wrapper, shape, key)

    def undisturbed(self, result):
        gc.disable()
        try:
            return whole(self, result)
        finally:
            gc.enable()

    def text_of(value):
        if isinstance(value, bool):
            return "true" if value else "false"
        text = str(value)
        return escape(text) if "&" in text or "<" in text or ">" in text else text

    def write(out, name, value):
        if isinstance(value, list):
            for item in value:
                write(out, name, item)
            return
        if not isinstance(value, dict):
            text = "" if value is None else text_of(value)
            out.append(f"<{name}>{text}</{name}>" if text else f"<{name}/>")
            return
        attributes = "".join(f" {key[1:]}={quoteattr(str(it))}" for key, it in value.items() if key[0] == "@")
        children = [(key, it) for key, it in value.items() if key[0] not in "@#" and it != []]
        text = text_of(value["#text"]) if value.get("#text") is not None else ""
        if not children and not text:
            out.append(f"<{name}{attributes}/>")
            return
        out.append(f"<{name}{attributes}>")
        for key, it in children:
            if type(it) is str and it:
                out.append(f"<{key}>{text_of(it)}</{key}>")
            else:
                write(out, key, it)
        out.append(f"{text}</{name}>")

    def unparse(body, full_document=True, pretty=False, short_empty_elements=False, **others):
        if pretty or others or not full_document or not short_empty_elements or len(body) != 1:
            options = {"full_document": full_document, "pretty": pretty, "short_empty_elements": short_empty_elements}
            return by_events(body, **options, **others)
        out = ['<?xml version="1.0" encoding="utf-8"?>\n']
        [(name, value)] = body.items()
        write(out, name, value)
        return "".join(out)

    serialize.ResponseSerializer.get_value = get_value
    serialize.EC2Serializer._serialize_type_structure = structure
    serialize.EC2Serializer.serialize = undisturbed
    serialize.xmltodict = SimpleNamespace(unparse=unparse)


def moto():
    import logging

    compare()
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
    from werkzeug.serving import make_server

    remember()
    render()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    app = OneAtATime(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=MotoRequestHandler)
    announce(server.port)
    server.serve_forever()


def ministack():
    import asyncio

    from hypercorn.asyncio import serve
    from hypercorn.config import Config
    from ministack.app import app

    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(512)
    listener.set_inheritable(True)
    config = Config()
    config.bind = [f"fd://{listener.fileno()}"]
    config.keep_alive_timeout = 600
    config.loglevel = "ERROR"
    announce(listener.getsockname()[1])
    asyncio.run(serve(app, config))


if __name__ == "__main__":
    end_with_parent()
    {"moto": moto, "ministack": ministack}[sys.argv[1]]()
