"""Measures how long the event loop was blocked, and by what."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
import traceback

_TICK = 0.01
_SAMPLE_AFTER = 0.05


class Watchdog:
    """The loop ticks every 10 ms; a thread looks at the loop's stack when it is late.

    ``longest_ms`` is the longest time a tick was late, ``culprit`` the stack seen then.
    ``longest_cpu_ms`` is the longest of these times that the loop's own thread worked: where a
    machine is shared, lateness also counts the time in which others had the processor.
    ``cpu_culprit`` is the stack of that one.
    """

    def __init__(self) -> None:
        self.longest_ms = 0.0
        self.culprit = ""
        self.longest_cpu_ms = 0.0
        self.cpu_culprit = ""
        self._last = time.monotonic()
        self._sample = ""
        self._loop_thread = 0
        self._stopped = threading.Event()
        self._task: asyncio.Task[None] | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Watch the running loop."""
        self._loop_thread = threading.get_ident()
        self._last = time.monotonic()
        self._task = asyncio.get_running_loop().create_task(self._tick())
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)
        self._thread.start()

    def reset(self) -> None:
        """Forget what was measured."""
        self.longest_ms, self.culprit = 0.0, ""
        self.longest_cpu_ms, self.cpu_culprit = 0.0, ""

    async def stop(self) -> None:
        """End the task and the thread."""
        self._stopped.set()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join)

    async def _tick(self) -> None:
        while True:
            self._last, worked = time.monotonic(), time.thread_time()
            await asyncio.sleep(_TICK)
            late = (time.monotonic() - self._last - _TICK) * 1000
            cpu = min(late, (time.thread_time() - worked) * 1000)
            if cpu > self.longest_cpu_ms:
                self.longest_cpu_ms, self.cpu_culprit = cpu, self._sample
            if late > self.longest_ms:
                self.longest_ms, self.culprit = late, self._sample
            self._sample = ""

    def _watch(self) -> None:
        while not self._stopped.wait(_TICK):
            if self._sample or time.monotonic() - self._last < _SAMPLE_AFTER:
                continue
            frame = sys._current_frames().get(self._loop_thread)  # noqa: SLF001 - the only way in
            if frame is not None:
                self._sample = "".join(traceback.format_stack(frame)[-12:])
