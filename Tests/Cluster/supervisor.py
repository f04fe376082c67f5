"""One program of a machine, kept alive as systemd keeps a unit."""
import os, signal, subprocess, threading, time


class Unit:
    """A program in the foreground, started again when it ends without having been told to.

    `command` is called before each start and gives the words. `delay`: seconds before that, systemd's RestartSec=.
    `socket`: a listening socket that it is handed as systemd does, which stays open meanwhile."""

    def __init__(self, name, command, log, delay, socket=None):
        self.name, self.command, self.log, self.delay, self.socket = name, command, log, delay, socket
        self.program = None
        self.starts = 0
        self.wanted = threading.Event()
        # No program runs. Only the thread that started one waits for its end: two could each find it gone.
        self.idle = threading.Event()
        self.idle.set()
        threading.Thread(target=self.keep, daemon=True).start()

    def start(self):
        self.wanted.set()

    def stop(self):
        """In an orderly way; it stays stopped."""
        self.wanted.clear()
        if not self.idle.is_set():
            self.program.terminate()
        if not self.idle.wait(60):
            raise TimeoutError(f"{self.name}: still there 60 s after SIGTERM")

    def kill(self):
        """kill -9 of the main process. What it has started follows, as in a unit whose main process is gone."""
        self.program.kill()

    def freeze(self):
        self.program.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.program.send_signal(signal.SIGCONT)

    def reload(self):
        self.program.send_signal(signal.SIGHUP)

    def children(self):
        """The processes that its main process has started and that are there."""
        with open(f"/proc/{self.program.pid}/task/{self.program.pid}/children") as file:
            return set(file.read().split())

    def keep(self):
        while True:
            self.wanted.wait()
            self.run()
            if self.wanted.is_set():
                time.sleep(self.delay)

    def run(self):
        words, more = self.command(), {}
        if self.socket:
            # systemd names the process for which the socket is meant: sd_listen_fds(3).
            words = ["sh", "-c", 'LISTEN_PID=$$ LISTEN_FDS=1 exec "$@"', "sh", *words]
            more = {"preexec_fn": self.hand_over, "pass_fds": [3]}
        with open(self.log, "a") as log:
            self.program = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, process_group=0, cwd="/", **more)
        self.idle.clear()
        self.starts += 1
        # Not reaped yet: so the group's number is still its own when what is left of it is ended.
        os.waitid(os.P_PID, self.program.pid, os.WEXITED | os.WNOWAIT)
        try:
            os.killpg(self.program.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.program.wait()
        self.idle.set()

    def hand_over(self):
        os.dup2(self.socket.fileno(), 3)
