"""Serves the emulated AWS on a free port of 127.0.0.1 until standard input ends.

Prints one line, `{"port": N}`, as soon as requests are accepted. The end of standard input is the only way to stop
it: the process that started it holds the other end of the pipe, so the server cannot outlive it, however it ends.
"""

import json
import os
import sys
import threading

# Before moto is imported, which reads its settings once.
os.environ["MOTO_EC2_LOAD_DEFAULT_AMIS"] = "false"  # a tenth of a second for every account and region otherwise
os.environ["MOTO_ALLOW_NONEXISTENT_REGION"] = "false"
for variable in [name for name in os.environ if name.startswith("AWS_")]:
    del os.environ[variable]

from cheroot import wsgi  # noqa: E402

from layer.application import Application  # noqa: E402
from layer.stacks import extend_moto  # noqa: E402

NUMBER_OF_THREADS = 48


class ConnectionGateway(wsgi.Gateway_10):
    """Lets the application see the connection, which it needs to break it and to notice that the client left."""

    def get_environ(self) -> dict:
        """The WSGI environment with the client's socket in it."""
        environ = super().get_environ()
        environ["testbed.socket"] = self.req.conn.socket
        # moto reads the path as it was sent from here: S3 keys may contain encoded slashes.
        environ["RAW_URI"] = environ["REQUEST_URI"]
        return environ


def main() -> None:
    """Starts the server and waits for the end of standard input."""
    extend_moto()
    application = Application()
    server = wsgi.Server(("127.0.0.1", 0), application, numthreads=NUMBER_OF_THREADS, request_queue_size=256)
    server.gateway = ConnectionGateway
    server.timeout = 300
    server.keep_alive_conn_limit = 1000
    server.prepare()
    port = server.bind_addr[1]
    application.testbed.endpoint = f"http://127.0.0.1:{port}"
    threading.Thread(target=server.serve, daemon=True).start()
    print(json.dumps({"port": port}), flush=True)
    sys.stdin.buffer.read()
    os._exit(0)


if __name__ == "__main__":
    main()
