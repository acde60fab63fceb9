"""What `manage.py up` becomes once all is ready: it keeps the web server and the workers running.

The same process, by `exec`, so its children stay its own. Django, which it needed to prepare the
database and to see a worker beat, is gone with the program before: 80 MB that would only wait.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from types import FrameType

from config.children import PER_SECONDS, RESTARTS, Child, Children

WEB_SERVER = "web server"
WORKER = "worker"
CONSEQUENCES = {
    WEB_SERVER: "no page answers. Its last lines are above.",
    WORKER: "answers are saved and wait. Its last lines are above.",
}
LOOK_SECONDS = 1.0
"""At the latest; the end of a child and a signal are heard at once."""


class StopRequest:
    """SIGINT, SIGTERM and SIGHUP as a question to ask; the second one means: now."""

    SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def __init__(self) -> None:
        self._count = 0
        self._heard = threading.Event()
        for number in self.SIGNALS:
            signal.signal(number, self._note)
        signal.signal(signal.SIGCHLD, self._wake)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, self.SIGNALS)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._count += 1
        self._heard.set()

    def _wake(self, number: int, frame: FrameType | None) -> None:
        self._heard.set()

    def catch_up(self, numbers: bytes) -> None:
        """With signals that another program of this process was told of."""
        self._count += sum(number in self.SIGNALS for number in numbers)

    def is_asked(self) -> bool:
        return self._count > 0

    def is_urgent(self) -> bool:
        return self._count > 1

    def wait(self, seconds: float) -> None:
        """At most so long: less when there is a signal or the end of a child."""
        self._heard.wait(seconds)
        self._heard.clear()


def keep(stop: StopRequest, children: Children) -> None:
    """Until somebody asks for the end."""
    while not stop.is_asked():
        for child in children.start_ended_again():
            tell(_sentence_about(child))
        stop.wait(LOOK_SECONDS)


def _sentence_about(child: Child) -> str:
    ended = f"The {child.name} ended unexpectedly ({words_of(child.process.returncode)})"
    if child.is_waiting:
        return (
            f"{ended}, for the {RESTARTS + 1}th time within {PER_SECONDS:.0f} s. IT IS DOWN, "
            f"and started again only so often: {CONSEQUENCES[child.name]}"
        )
    return f"{ended}; starting it again."


def words_of(returncode: int | None) -> str:
    if returncode is None:
        return "it still runs"
    return f"signal {-returncode}" if returncode < 0 else f"exit code {returncode}"


def tell(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


def take_over(stop: StopRequest, children: Children) -> None:
    """Become this module, unless the end was asked for. A signal that comes now waits for it, or is
    read from a pipe: a thread that does not block it may get it, and ends with this program."""
    signal.pthread_sigmask(signal.SIG_BLOCK, StopRequest.SIGNALS)
    missed, told = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(told)
    if not stop.is_asked():
        sys.stdout.flush()
        os.chdir(children.directory)
        os.set_inheritable(missed, True)
        descriptors = [str(children.leave_to_exec()), str(missed)]
        os.execv(  # noqa: S606  (our own command line)
            sys.executable, [sys.executable, "-m", "config.keeper", *descriptors]
        )
    signal.set_wakeup_fd(-1)
    os.close(missed)
    os.close(told)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, StopRequest.SIGNALS)


def main() -> None:
    stop = StopRequest()
    inherited, missed = map(int, sys.argv[1:])
    stop.catch_up(os.read(missed, 64))
    with Children.inherited(inherited, hurry=stop.is_urgent) as children:
        keep(stop, children)
        tell("Stopping ...")
    tell("Stopped.")


if __name__ == "__main__":
    main()
