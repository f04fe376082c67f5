"""Debian's haproxy in front of the machines, with checks of /readyz from their own network.

A request with `X-Machine: NAME` goes to that machine as long as it is well, and to another one when it is not: so a
client can send each of its requests to the next machine. `X-Machine` of the answer says which one it was."""
import socket, subprocess
from machine import HOST
from supervisor import Unit

PORT = 8000
SETTINGS = """global
    maxconn 4096
    stats socket {folder}/haproxy.sock mode 600 level admin
defaults
    mode http
    timeout connect 1s
    timeout client 75s
    # nginx lets a picture take 60 s.
    timeout server 65s
    timeout http-keep-alive 75s
    timeout check 700ms
    retries 2
    option redispatch 1
    # What was not sent can go to another machine. A question may be asked again, a change may not.
    retry-on conn-failure empty-response response-timeout 502 503 504
frontend clients
    bind 127.0.0.1:{port}
    default_backend machines
backend machines
    balance roundrobin
    option forwardfor
    http-request disable-l7-retry if !METH_GET
    http-request set-header Host {host}
    option httpchk
    http-check send meth GET uri /readyz ver HTTP/1.1 hdr Host {host}
    http-response set-header X-Machine %s
    default-server inter 250ms fastinter 100ms downinter 250ms fall 2 rise 2
    default-server on-marked-down shutdown-sessions ssl verify required ca-file {authority}
{servers}
"""


class Balancer:
    def __init__(self, stack):
        self.folder = stack.folder
        # A machine that is asked for by name would get requests also while it is drained.
        servers = [f"    use-server {it.name} if {{ req.hdr(X-Machine) {it.name} }}"
                   f" {{ srv_weight(machines/{it.name}) gt 0 }}" for it in stack.machines]
        servers += [f"    server {it.name} {it.address}:443 check" for it in stack.machines]
        path = stack.folder + "/haproxy.cfg"
        with open(path, "w") as file:
            file.write(SETTINGS.format(folder=stack.folder, port=PORT, host=HOST, authority=stack.authority.certificate,
                                       servers="\n".join(servers)))
        subprocess.run(["haproxy", "-c", "-q", "-f", path], check=True)
        self.unit = Unit("haproxy", lambda: ["haproxy", "-db", "-f", path], stack.folder + "/log/haproxy.log", 1)
        self.unit.start()

    def tell(self, words):
        """Its answer on its own socket."""
        with socket.socket(socket.AF_UNIX) as it:
            try:
                it.connect(self.folder + "/haproxy.sock")
            except OSError:
                return ""
            it.sendall(words.encode() + b"\n")
            text = b""
            while part := it.recv(65536):
                text += part
        return text.decode()

    def drain(self, name):
        """Lets a machine answer what it has in hand, and gives it nothing new."""
        self.tell(f"set weight machines/{name} 0%")

    def use(self, name):
        self.tell(f"set weight machines/{name} 100%")

    def states(self):
        """What it thinks of each machine: `{"one": "UP"}`."""
        lines = self.tell("show stat").splitlines()
        if not lines:
            return {}
        names = lines[0].lstrip("# ").split(",")
        rows = [dict(zip(names, line.split(","))) for line in lines[1:] if line]
        return {row["svname"]: row["status"] for row in rows
                if row.get("pxname") == "machines" and row["svname"] != "BACKEND"}
