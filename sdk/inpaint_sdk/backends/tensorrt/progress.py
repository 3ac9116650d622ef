"""What a build is doing, as a progress bar."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inpaint_sdk.backends.base import Progress

if TYPE_CHECKING:
    import tensorrt_bindings as tensorrt
    from tqdm import tqdm

    from inpaint_sdk.backends.tensorrt.library import Library


class ProgressBar:
    """A bar for the innermost phase that has steps to show; none where stderr is no terminal."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._bars: dict[str, tqdm[None]] = {}

    def start(self, phase: str, steps: int, outermost: bool) -> None:
        """See :class:`inpaint_sdk.backends.base.Progress`."""
        from tqdm import tqdm

        self._bars[phase] = tqdm(
            total=steps,
            desc=self._title if outermost else f"  {phase}",
            leave=outermost,
            disable=None,
            unit="step",
            position=len(self._bars),
        )

    def step(self, phase: str) -> None:
        """See :class:`inpaint_sdk.backends.base.Progress`."""
        if phase in self._bars:
            self._bars[phase].update()

    def finish(self, phase: str) -> None:
        """See :class:`inpaint_sdk.backends.base.Progress`."""
        bar = self._bars.pop(phase, None)
        if bar is not None:
            bar.close()


class Interrupted:
    """Whether a callback was interrupted, and by what."""

    def __init__(self) -> None:
        self.error: BaseException | None = None


def make_monitor(
    library: Library, progress: Progress, interrupted: Interrupted
) -> tensorrt.IProgressMonitor:
    """TensorRT's monitor over a :class:`Progress`.

    An exception must not pass through the library, so it is put into ``interrupted`` and the build
    is told to stop.
    """
    if TYPE_CHECKING:
        import tensorrt_bindings as trt
    else:
        trt = library.module

    class Monitor(trt.IProgressMonitor):  # type: ignore[misc]  # of a module that may be missing
        def __init__(self) -> None:
            trt.IProgressMonitor.__init__(self)

        def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None:
            try:
                progress.start(phase_name, num_steps, outermost=parent_phase is None)
            except BaseException as error:
                interrupted.error = error

        def step_complete(self, phase_name: str, step: int) -> bool:
            try:
                progress.step(phase_name)
            except BaseException as error:
                interrupted.error = error
            return interrupted.error is None

        def phase_finish(self, phase_name: str) -> None:
            try:
                progress.finish(phase_name)
            except BaseException as error:
                interrupted.error = error

    return Monitor()
