"""The threads of a run: those that decode images and those that run networks."""

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from models_inference.networks.devices import cores, one_thread

if TYPE_CHECKING:
    import torch


class Threads:
    """Threads that decode and threads that run networks.

    On a CPU these are the same threads, one per core, each with a batch of its own: threads that
    share one batch wait for each other at every layer, and for whatever else is on the cores. On
    a GPU one thread feeds it while the cores decode. PIL and torch release Python's lock.
    """

    def __init__(self, device: "torch.device") -> None:
        self.decode = ThreadPoolExecutor(cores(), "decode", initializer=one_thread)
        self.forward = self.decode if device.type == "cpu" else ThreadPoolExecutor(1, "forward")

    def stop(self) -> None:
        """Stop them; work that they have not begun is dropped."""
        for pool in (self.decode, self.forward):
            pool.shutdown(cancel_futures=True)
