"""The provider of a campaign: the fault server in a process of its own, with an uneven latency.

Ends when its standard input closes, that is with the campaign, however that ends.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys

from operations.tests.fault_server import FaultServer

LONGEST_SECONDS = 1.5


async def serve(port: int, shortest: float) -> None:
    server = FaultServer(port=port)  # type: ignore[no-untyped-call]
    await server.start()
    end = asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    while not end.done():
        server.latency = random.uniform(shortest, LONGEST_SECONDS)  # noqa: S311
        await asyncio.sleep(0.02)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--shortest", type=float, required=True)
    options = parser.parse_args()
    asyncio.run(serve(options.port, options.shortest))
