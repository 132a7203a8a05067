"""A batch job with the face of a run, so that the same pane shows its output, figures and end."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING

import param

from vispa_panel.errors import FileError, NotConnected, PortalError
from vispa_panel.jobs.holds import hold_in_words
from vispa_panel.jobs.queue import JobInfo, JobState
from vispa_panel.workspace.followed_run import CHUNK, PIECES, FollowedRun
from vispa_panel.workspace.runs import RunInfo, RunState

if TYPE_CHECKING:
    from vispa_panel.jobs.board import JobBoard
    from vispa_panel.jobs.queue import Submitted
    from vispa_panel.workspace.files import Files

PATIENCE = 1.5
"""Seconds that a job waits before it is asked why."""

ASK_AGAIN = 10.0
LAST_BYTES = 5.0
"""Seconds in which the end of the output must come from the shared file system."""

_STATES = {JobState.FINISHED: RunState.FINISHED, JobState.REMOVED: RunState.STOPPED}


class SubmittedRun(FollowedRun):
    """One job of a cluster, followed; ``waiting`` says why it does not run (yet)."""

    job: JobInfo | None = param.ClassSelector(
        class_=JobInfo, allow_None=True, doc="What the batch system says of it."
    )  # type: ignore[assignment]
    waiting = param.String(doc="Why it does not run just now, as a sentence; empty while it does.")

    def __init__(
        self,
        board: JobBoard,
        files: Files,
        submitted: Submitted,
        *,
        proc: int = 0,
        document: str = "",
    ) -> None:
        super().__init__(runs=None, run_id=f"{submitted.cluster}.{proc}")  # type: ignore[arg-type]
        self.submitted = submitted
        self._board = board
        self._files = files
        self._document = document
        self._changed = asyncio.Event()

    async def stop(self) -> None:
        """Remove the job; raises JobError."""
        await self._board.remove([self.run_id])

    async def _follow(self) -> None:
        watching = self._board.param.watch(lambda _: self._changed.set(), ["jobs"])
        self._board.enter()
        output = self.submitted.output
        reading = asyncio.ensure_future(self._read(output)) if output else None
        explaining = asyncio.ensure_future(self._explain())
        try:
            while self.job is None or self.job.state not in _STATES:
                self._changed.clear()
                self._look()
                if reading is None and self.job is not None and self.job.output:
                    reading = asyncio.ensure_future(self._read(self.job.output))
                if self.job is None or self.job.state not in _STATES:
                    await self._changed.wait()
            await self._read_the_rest(self.job)
            self._show(self.job)
            await self._look_for_pictures()
        except NotConnected:
            self.problem = "The connection is away; the job goes on and its output will follow."
        except PortalError as error:
            self.problem = error.advice
        finally:
            self._board.param.unwatch(watching)
            for task in (explaining, reading):
                if task is not None:
                    task.cancel()
            await self._board.leave()

    def _look(self) -> None:
        """Take over what the board knows; the end is shown once the output is whole."""
        job = self._board.job(self.run_id)
        if job is not None and job != self.job:
            self.job = job
            if job.state not in _STATES:
                self._show(job)

    def _show(self, job: JobInfo) -> None:
        if job.state is JobState.HELD:
            advice = hold_in_words(job)
            waiting = f"{advice.sentence} {advice.cure}"
        else:
            waiting = self.waiting if job.state is JobState.WAITING else ""
        info = RunInfo(
            id=job.id,
            command=job.command,
            folder=job.folder,
            document=self._document,
            state=_STATES.get(job.state, RunState.RUNNING),
            started=job.started or job.submitted,
            ended=job.ended,
            exit_code=job.exit_code,
            output_size=self._offset,
        )
        self.param.update(info=info, waiting=waiting, problem="")

    async def _explain(self) -> None:
        await asyncio.sleep(PATIENCE)
        while True:
            if self.job is not None and self.job.state is JobState.WAITING:
                with contextlib.suppress(PortalError):  # then the last sentence stays
                    why = await self._board.why_waiting(self.run_id)
                    # It may have started while it was asked.
                    if self.job.state is JobState.WAITING:
                        self.waiting = why.sentence
            await asyncio.sleep(ASK_AGAIN)

    async def _read(self, path: str) -> None:
        """Follow the output; what nobody could read anyway is left out."""
        shown = CHUNK * PIECES
        with contextlib.suppress(PortalError):  # told by whoever waits for the job's end
            while True:
                async for piece in self._board.following.follow(path, offset=self._offset):
                    if piece.restart:
                        self._jump(0)
                    elif piece.size - piece.offset > 4 * shown:
                        self._jump(piece.size - shown)
                        break
                    else:
                        self._offset = piece.offset + len(piece.data)
                        self._append(self._decoder.decode(piece.data))
                        self._changed.set()

    async def _read_the_rest(self, job: JobInfo) -> None:
        """Wait until all that the file holds has been shown."""
        deadline = time.monotonic() + LAST_BYTES
        while job.output and time.monotonic() < deadline:
            self._changed.clear()
            try:
                if (await self._files.stat(job.output)).size <= self._offset:
                    return
            except FileError:
                return  # it wrote nothing, or the file was removed
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), 0.2)

    async def _look_for_pictures(self) -> None:
        if self.job is not None:
            since = self.job.started or self.job.submitted
            self.pictures = await self._board.following.pictures(self.job.folder, since=since - 1)
