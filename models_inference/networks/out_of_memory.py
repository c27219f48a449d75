"""Tells torch's errors for memory that ran out from its other errors."""

# TorchScript and CUDA's libraries raise their own or plain errors, known only by their text.
TEXTS = (
    "CUDA out of memory",
    "CUDA error: out of memory",
    "HIP out of memory",
    "can't allocate memory",
    "not enough memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
)


def out_of_memory(error: Exception) -> bool:
    """Whether an error of torch says that memory ran out (a GPU's, or the CPU allocator's)."""
    import torch

    return isinstance(error, torch.OutOfMemoryError) or any(text in str(error) for text in TEXTS)
