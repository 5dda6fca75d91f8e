"""An official client of another version, called as if it were here: see `driver.py`."""

import itertools
import os
import select
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from conformance.old_client.driver import pack, unpack

DRIVER = Path(__file__).with_name("driver.py")
PATIENCE_S = 120


class Raised(Exception):  # noqa: N818  it is the client's error, not ours
    """What the client raised: its class's name, its text, and the facts of an `SdkException`."""

    def __init__(self, *, kind, text, name, status_code, request_id, additional_data):
        super().__init__(text)
        self.kind = kind
        self.name = name
        self.status_code = status_code
        self.request_id = request_id
        self.additional_data = additional_data


class Driver:
    """A process in which the other version lives."""

    def __init__(self, process):
        self._process = process
        self._numbers = itertools.count()

    def client(self, **named):
        """Make a client there."""
        made = Client(self, next(self._numbers))
        made.CraftAiSdk(**named)
        return made

    def ask(self, asked):
        """Have one call made, and give or raise what came of it."""
        self._process.stdin.write(pack(asked))
        self._process.stdin.flush()
        # Each answer is one line, so nothing is ever left in the buffer behind the descriptor.
        if not select.select([self._process.stdout], [], [], PATIENCE_S)[0]:
            self._process.kill()
            raise TimeoutError(f"no answer to {asked['call']} within {PATIENCE_S} s")
        line = self._process.stdout.readline()
        if not line:
            raise EOFError(f"the driver ended in {asked['call']}")
        came = unpack(line)
        if "raised" in came:
            raise Raised(**came["raised"])
        return came["answer"]


class Client:
    """Pass every call on; `inside` names the execution that the client believes to be in."""

    def __init__(self, driver, number):
        self._driver = driver
        self._number = number
        self.inside = None

    def __getattr__(self, call):
        if call.startswith("__"):
            raise AttributeError(call)
        return lambda *given, **named: self._driver.ask(
            {
                "client": self._number,
                "call": call,
                "given": given,
                "named": named,
                "inside": self.inside,
            }
        )

    def leave(self):
        """Close its connections."""
        getattr(self, "_session.close")()


@contextmanager
def driving(sdk: Path) -> Iterator[Driver]:
    """Run the client that is installed in `sdk` in a process of its own."""
    environ = {name: value for name, value in os.environ.items() if "CRAFT_AI" not in name}
    with subprocess.Popen(
        [sys.executable, DRIVER],
        env=environ | {"PYTHONPATH": str(sdk)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        yield Driver(process)
