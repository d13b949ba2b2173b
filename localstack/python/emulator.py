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
    from moto.core import utils

    by_pattern = utils.aws_api_matches

    def aws_api_matches(pattern, string):
        is_plain = pattern.replace("-", "").isalnum()
        return pattern == str(string) if is_plain else by_pattern(pattern, string)

    utils.aws_api_matches = aws_api_matches


def moto():
    import logging

    compare()
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
    from werkzeug.serving import make_server

    remember()
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
