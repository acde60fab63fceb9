"""A line to the database that can be made slow, or cut."""

from __future__ import annotations

import asyncio
import contextlib
import threading

CHUNK = 64 * 1024


class SlowLine:
    """Takes connections on one port and carries their bytes to another; each piece that comes
    waits for `delay_seconds`, in both directions, and while the line `is_cut` nothing arrives and
    nobody is told."""

    def __init__(self, port: int, to_port: int) -> None:
        self.delay_seconds = 0.0
        self.is_cut = False
        self.port = port
        self._to_port = to_port
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_open = threading.Event()
        self._thread = threading.Thread(target=self._run, name="chaos-line", daemon=True)

    def start(self) -> None:
        self._thread.start()
        self._is_open.wait(5)

    def stop(self) -> None:
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(5)

    def _run(self) -> None:
        loop = self._loop = asyncio.new_event_loop()
        server = loop.run_until_complete(asyncio.start_server(self._carry, "127.0.0.1", self.port))
        self._is_open.set()
        loop.run_forever()
        server.close()
        carrying = asyncio.all_tasks(loop)
        for task in carrying:
            task.cancel()
        if carrying:
            loop.run_until_complete(asyncio.gather(*carrying, return_exceptions=True))
        loop.close()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self._to_port)
        except OSError:
            writer.close()
            return
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._pipe(reader, back))
                both.create_task(self._pipe(there, writer))
        except asyncio.CancelledError:  # the line is closed; asyncio would call that an error
            return
        finally:
            for end in (writer, back):
                end.close()

    async def _pipe(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while piece := await reader.read(CHUNK):
                if self.delay_seconds:
                    await asyncio.sleep(self.delay_seconds)
                while self.is_cut:
                    await asyncio.sleep(0.05)
                writer.write(piece)
                await writer.drain()
        with contextlib.suppress(OSError):
            writer.write_eof()
