"""The threads of a run: those that decode images and those that run networks."""

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from models_inference.networks.network import cores, one_thread

if TYPE_CHECKING:
    import torch


class Workers:
    """The threads that decode and those that run networks.

    On a CPU both are the same threads, one per core, each with a batch of its own: threads that
    share one batch wait for each other at every layer, and for whatever else is on the cores. On
    a GPU one thread feeds it while the cores decode. PIL and torch let go of Python's lock.
    """

    decode: ThreadPoolExecutor
    forward: ThreadPoolExecutor

    def start(self, device: "torch.device") -> None:
        """Start the threads for a device."""
        self.decode = ThreadPoolExecutor(cores(), "decode", initializer=one_thread)
        self.forward = self.decode if device.type == "cpu" else ThreadPoolExecutor(1, "forward")

    def stop(self) -> None:
        """Stop them; what they have not begun is left undone."""
        for name in ("decode", "forward"):
            if pool := self.__dict__.pop(name, None):
                pool.shutdown(cancel_futures=True)
