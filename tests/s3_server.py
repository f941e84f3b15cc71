"""The S3 server of tests: moto, which lets roles do what they may, and kills a client at a request that a test chose.

Started by `object_store` with a port and a folder. In the folder lie

- ``requests``, which it writes: one request a line, in JSON;
- ``rights.json``: what each role may do. Who signs with a role's name for an access key is that role; others may do
  everything;
- ``kill.json``, where there is one: the process group whose number is in ``pid_file`` is killed at the first request
  that writes or removes what ``path`` is found in, a regular expression; ``after`` tells whether it is carried out.
"""

import base64
import io
import json
import os
import re
import signal
import sys
import threading
from pathlib import Path

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from s3_rights import Right, asked, asked_where_nothing_is
from werkzeug.serving import run_simple

_DENIED = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"


class Server:
    """Stands before moto."""

    def __init__(self, folder):
        self.moto = DomainDispatcherApplication(create_backend_app)
        self.folder = folder
        roles = json.loads((folder / "rights.json").read_text())
        self.rights = {role: [Right(*each) for each in given] for role, given in roles.items()}
        self.lock = threading.Lock()

    def __call__(self, environ, start_response):
        request = described(environ)
        with self.lock, (self.folder / "requests").open("a") as stream:
            stream.write(json.dumps(request) + "\n")
        if not self.lets(request, asked):
            return denied(environ, start_response)
        order = self.order_to_kill(request)
        if order and not order["after"]:
            return killed(order, environ, start_response)
        status = []
        answer = list(self.moto(environ, lambda *given: status.extend(given)))
        if order:
            return killed(order, environ, start_response)
        if status[0].startswith("404") and not self.lets(request, asked_where_nothing_is):
            return denied(environ, start_response)
        start_response(*status)
        return answer

    def lets(self, request, wants):
        """Whether the role that signed may do all that a request wants."""
        given = self.rights.get(request["who"])
        return given is None or all(any(right.allows(each) for right in given) for each in wants(request))

    def order_to_kill(self, request):
        """Take the order to kill whoever sent this, if it is for this request."""
        order = self.folder / "kill.json"
        with self.lock:
            if request["method"] in {"GET", "HEAD"} or not order.exists():
                return None
            told = json.loads(order.read_text())
            if not re.search(told["path"], request["url"]):
                return None
            order.unlink()
            return told


def described(environ):
    """What is recorded of a request."""
    body = b""
    if environ["REQUEST_METHOD"] == "POST":
        body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        environ["wsgi.input"] = io.BytesIO(body)
    signed = re.search(r"Credential=([^/]+)/", environ.get("HTTP_AUTHORIZATION", ""))
    return {
        "who": signed[1] if signed else "",
        "method": environ["REQUEST_METHOD"],
        "url": environ["RAW_URI"],
        "copied": environ.get("HTTP_X_AMZ_COPY_SOURCE", ""),
        "body": base64.b64encode(body).decode(),
    }


def denied(environ, start_response):
    """Refuse as S3 does."""
    body = b"" if environ["REQUEST_METHOD"] == "HEAD" else _DENIED
    start_response("403 Forbidden", [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))])
    return [body]


def killed(order, environ, start_response):
    """Kill whoever asked, who gets no answer any more."""
    os.killpg(int(Path(order["pid_file"]).read_text()), signal.SIGKILL)
    return denied(environ, start_response)


if __name__ == "__main__":
    run_simple(
        "127.0.0.1", int(sys.argv[1]), Server(Path(sys.argv[2])), threaded=True, request_handler=MotoRequestHandler
    )
