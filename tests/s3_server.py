"""A real S3 server on loopback for the tests; what it keeps, it keeps in memory."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

from tasks.adapters.archive import SharedArchive, archive_at


def options_for(address: str) -> str:
    """Return what an archive on the server is opened with, as an operator writes it."""
    return json.dumps({"key": "dondoc", "secret": "bi-mat", "endpoint_url": address})


@contextmanager
def running_s3(host: str = "127.0.0.1") -> Iterator[str]:
    """Yield the address of a server, and end it after."""
    server = make_server(host, 0, DomainDispatcherApplication(create_backend_app), threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://{host}:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def make_bucket(address: str, name: str) -> None:
    """Make a bucket, as whoever runs the server does."""
    made = archive_at(f"s3://{name}/dondoc", None, options_for(address))
    assert isinstance(made, SharedArchive)
    made.files.mkdir(name)
