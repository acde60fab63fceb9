#!/usr/bin/env bash
# granian 2.8.7 (WSGI) with Django 5.2.19: the body of a chunked request is gone, without an error.
#
# One would expect: a POST with `Transfer-Encoding: chunked`, which clients send when they do not
# know the length beforehand, arrives whole or is refused with 411.
# Instead: granian hands the body over and says so (`wsgi.input_terminated`), Django looks at
# Content-Length alone, takes the missing one for zero and shows the view an empty body. The client
# gets the view's answer, here a 200.
# Why it matters: an uploaded résumé or a JSON object arrives as nothing, and a view that allows an
# empty body does the wrong thing politely.
# In the product: config/rsgi.py lets such a body go unread, and operations/api/door.py answers 411.
set -euo pipefail

work=$(mktemp -d)
server=""
finish() {
    if [ -n "$server" ]; then
        kill "$server" 2>/dev/null || true
        wait "$server" 2>/dev/null || true
    fi
    rm -rf "$work"
}
trap finish EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check \
    granian==2.8.7 Django==5.2.19

cat >"$work/site_of_two.py" <<'PYTHON'
"""One WSGI application: `/django` is Django's, everything else reads the body by itself."""
import django
from django.conf import settings
from django.http import HttpResponse
from django.urls import path

settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], SECRET_KEY="not-a-secret")
django.setup()

from django.core.wsgi import get_wsgi_application

urlpatterns = [path("django", lambda request: HttpResponse(str(len(request.body))))]
of_django = get_wsgi_application()


def application(environ, start_response):
    if environ["PATH_INFO"] == "/django":
        return of_django(environ, start_response)
    start_response("200 OK", [("Content-Type", "text/plain")])
    length = len(environ["wsgi.input"].read())
    return [f"{length} terminated={environ.get('wsgi.input_terminated')}".encode()]
PYTHON

port=$("$work/venv/bin/python" -c '
import socket
with socket.socket() as probe:
    probe.bind(("127.0.0.1", 0))
    print(probe.getsockname()[1])')
(cd "$work" && exec "$work/venv/bin/granian" --interface wsgi --host 127.0.0.1 --port "$port" \
    --no-log site_of_two:application) &
server=$!

"$work/venv/bin/python" - "$port" <<'PYTHON'
import http.client
import importlib.metadata
import sys
import time

BODY = b'{"answer": "I led a team of four."}'


def expect(seen, statement):
    if not seen:
        sys.exit(f"NOT SO (any more): {statement}")
    print(f"seen: {statement}")


def connection():
    deadline = time.monotonic() + 20
    while True:
        candidate = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=10)
        try:
            candidate.connect()
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                sys.exit("the server did not start")
            time.sleep(0.1)
        else:
            return candidate


def post(path, *, chunked):
    """Status and text of the answer to BODY."""
    client = connection()
    client.request("POST", path, iter([BODY]) if chunked else BODY, encode_chunked=chunked,
                   headers={"Transfer-Encoding": "chunked"} if chunked else {})
    response = client.getresponse()
    return response.status, response.read().decode()


for name in ("granian", "Django"):
    print(name, importlib.metadata.version(name))
with_length = post("/django", chunked=False)
by_django = post("/django", chunked=True)
by_hand = post("/by-hand", chunked=True)
print(f"sent with a length, {len(BODY)} bytes: Django's view read", with_length)
print("the same in chunks:               Django's view read", by_django)
print("the same in chunks:    wsgi.input read by hand has", by_hand)

expect(with_length == (200, str(len(BODY))), "a body with a length arrives whole")
expect(by_hand == (200, f"{len(BODY)} terminated=True"), "granian hands a chunked body over")
expect(by_django == (200, "0"), "Django's view sees no byte of it, and the answer is 200")
PYTHON
