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


def moto():
    import logging

    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
    from werkzeug.serving import make_server

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
