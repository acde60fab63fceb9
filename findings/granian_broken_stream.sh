#!/usr/bin/env bash
# granian 2.8.7 (RSGI and WSGI): a response that fails in the middle looks whole.
#
# One would expect: an application that raises after it sent the first piece of a streamed body ends
# with a broken connection, as under gunicorn, so that the client knows (RFC 9112, 8: a chunked body
# without its last chunk is incomplete).
# Instead: granian sends the last chunk. The client gets a 200 and a body that is short, without any
# sign of it.
# Why it matters: an export whose database went away after the first lines is taken for all rows.
# In the product: operations/admin/export.py says in the last line that the file is not complete.
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
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check granian==2.8.7

cat >"$work/broken.py" <<'PYTHON'
async def of_rsgi(scope, protocol):
    transport = protocol.response_stream(200, [("content-type", "text/plain")])
    await transport.send_bytes(b"the first line\n")
    raise RuntimeError("the database is gone")


def of_wsgi(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    yield b"the first line\n"
    raise RuntimeError("the database is gone")
PYTHON


free_port() {
    "$work/venv/bin/python" -c '
import socket
with socket.socket() as probe:
    probe.bind(("127.0.0.1", 0))
    print(probe.getsockname()[1])'
}

"$work/venv/bin/python" -c '
import importlib.metadata
print("granian", importlib.metadata.version("granian"))'

for interface in rsgi wsgi; do
    port=$(free_port)
    (cd "$work" && exec "$work/venv/bin/granian" --interface "$interface" --host 127.0.0.1 \
        --port "$port" --no-log "broken:of_$interface") 2>/dev/null &
    server=$!
    "$work/venv/bin/python" - "$port" "$interface" <<'PYTHON'
import http.client
import sys
import time

port, interface = int(sys.argv[1]), sys.argv[2]
deadline = time.monotonic() + 20
while True:
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        client.request("GET", "/")
        break
    except ConnectionRefusedError:
        if time.monotonic() > deadline:
            sys.exit("the server did not start")
        time.sleep(0.1)
response = client.getresponse()
try:
    body = response.read()
except http.client.IncompleteRead as error:
    sys.exit(f"NOT SO (any more): over {interface} the connection breaks: {error}")
print(f"seen: over {interface} a {response.status} with {body!r}, whole for all a client can tell")
PYTHON
    kill "$server"
    wait "$server" 2>/dev/null || true
    server=""
done
