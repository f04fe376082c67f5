"""The machines' networks: one bridge, and for each machine a namespace with an address of its own on it.

All of it, the bridge too, is in the namespace that `cluster` has made, and ends with it: names need not differ from
those of other runs, and the host's network knows nothing of them. The bridge's own address is where the balancer, the
mail server and the clients are."""
import os, subprocess

MIDDLE = "10.77.0.254"


def ip(*words):
    subprocess.run(["ip", *words], check=True)


class Network:
    def __init__(self, folder):
        self.folder = folder
        os.makedirs(folder)
        ip("link", "set", "lo", "up")
        ip("link", "add", "bridge", "type", "bridge")
        ip("address", "add", MIDDLE + "/24", "dev", "bridge")
        ip("link", "set", "bridge", "up")

    def add(self, name, address):
        """A machine's namespace, on the bridge. Gives what a command begins with to run in it."""
        place = f"{self.folder}/{name}"
        open(place, "w").close()
        subprocess.run(["unshare", f"--net={place}", "true"], check=True)
        within = ["nsenter", f"--net={place}"]
        holder = subprocess.Popen([*within, "sleep", "infinity"])
        ip("link", "add", name, "type", "veth", "peer", "name", "outside")
        ip("link", "set", "outside", "netns", str(holder.pid))
        holder.kill()
        holder.wait()
        for words in (["address", "add", address + "/24", "dev", "outside"], ["link", "set", "outside", "up"],
                      ["link", "set", "lo", "up"]):
            subprocess.run([*within, "ip", *words], check=True)
        ip("link", "set", name, "master", "bridge")
        ip("link", "set", name, "up")
        return within

    def cut(self, name):
        """As if its cable were pulled."""
        ip("link", "set", name, "down")

    def mend(self, name):
        ip("link", "set", name, "up")
