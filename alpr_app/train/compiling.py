"""What goes wrong where a network is compiled, said in one line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from alpr_app.train.batches import TrainingError


@contextmanager
def compiling(wanted: bool) -> Iterator[None]:
    """Around the passes of a network that torch.compile was asked for: it is compiled when it is first used.

    Raises TrainingError with the remedy if it cannot be.
    """
    if not wanted:
        yield
        return
    # Takes a second or two to import, and is there already where something is compiled.
    from torch._dynamo.exc import TorchDynamoException

    try:
        yield
    except TorchDynamoException as error:
        said = str(error).strip().partition("\n")[0]
        raise TrainingError(
            f"--compile: this network cannot be compiled here ({said}); install a C++ compiler such as g++, or name "
            "yours in the variable CXX, or leave --compile out"
        ) from error
