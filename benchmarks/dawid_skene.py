"""Time and added memory of Dawid-Skene, against crowd-kit's on the same table.

Each runs in a process of its own: it loads the table, notes its idle memory, fits once (imports
and compilation on the way count), and notes its peak. crowd-kit runs with tol=0, so it may stop
early; then this project's runs as many iterations. `--alone` leaves crowd-kit out.
"""

import argparse
import json
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

# In place of this folder, whose coverage.py hides the package of its name.
sys.path[0] = str(Path(__file__).resolve().parent.parent)

ROOT = Path(__file__).resolve().parent.parent
COLUMNS = ("task", "worker", "label")


def write_table(folder: Path, judgments: int, per_pair: int, workers: int, seed: int) -> None:
    """Judgments of workers with their own sensitivity and specificity, in random order of rows."""
    rng = np.random.default_rng(seed)
    pairs = max(1, judgments // per_pair)
    task = rng.permutation(np.repeat(np.arange(pairs), per_pair))
    worker = rng.integers(0, workers, task.size)
    truth = rng.random(pairs) < 0.3
    sensitivity, specificity = rng.beta(6, 3, workers), rng.beta(8, 3, workers)
    says_yes = np.where(truth[task], sensitivity[worker], 1 - specificity[worker])
    label = (rng.random(task.size) < says_yes).astype(np.int64)
    for name, column in zip(COLUMNS, (task, worker, label), strict=True):
        np.save(folder / f"{name}.npy", column)


def memory(field: str) -> float:
    """A line of /proc/self/status in MB; on systems without it, the peak so far."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return int(re.findall(rf"{field}:\s+(\d+) kB", status)[0]) / 1024


def forget_peak() -> None:
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        print("this system cannot reset the peak of memory: loading counts too", file=sys.stderr)


def fit_one(name: str, folder: Path, n_iter: int) -> None:
    """Runs in a process of its own: fit, save the posteriors, print time and memory as JSON."""
    import pandas as pd

    model: Any
    if name == "crowd-kit":
        from crowdkit.aggregation import DawidSkene as Peer

        model = Peer(n_iter=n_iter, tol=0)
    else:
        from tasks.aggregation import DawidSkene

        model = DawidSkene(n_iter=n_iter, tol=None)
    table = pd.DataFrame({name: np.load(folder / f"{name}.npy") for name in COLUMNS}, copy=False)
    forget_peak()
    idle = memory("VmRSS")
    start, busy = time.perf_counter(), time.process_time()
    model.fit(table)
    seconds, busy = time.perf_counter() - start, time.process_time() - busy
    added = memory("VmHWM") - idle
    np.save(folder / f"{name}-posterior.npy", model.probas_[1].sort_index().to_numpy())
    iterations = len(model.loss_history_)
    took = {"seconds": seconds, "busy": busy, "added_mb": added, "iterations": iterations}
    print(json.dumps(took))


def in_a_process(name: str, folder: Path, n_iter: int) -> dict[str, float]:
    command = [sys.executable, __file__, "--fit", name, "--folder", str(folder)]
    done = subprocess.run(
        [*command, "--iterations", str(n_iter)], stdout=subprocess.PIPE, text=True, check=True
    )
    took: dict[str, float] = json.loads(done.stdout)
    print(
        f"{name}: {took['seconds']:.2f} s ({took['busy']:.2f} s of processor time), "
        f"{took['added_mb']:,.0f} MB added, "
        f"{took['iterations']} iterations"
    )
    return took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--judgments", type=int, default=12_600_000)
    parser.add_argument("--per-pair", type=int, default=9)
    parser.add_argument("--workers", type=int, default=2_000)
    parser.add_argument("--iterations", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--alone", action="store_true", help="without crowd-kit")
    parser.add_argument("--fit", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.fit:
        fit_one(options.fit, options.folder, options.iterations)
        return

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_table(folder, options.judgments, options.per_pair, options.workers, options.seed)
        n_iter = options.iterations
        if options.alone:
            ours = in_a_process("second-look", folder, n_iter)
            print(
                f"Dawid-Skene, {options.judgments:,} judgments, {n_iter} iterations: "
                f"{ours['seconds']:.2f} s, {ours['added_mb']:,.0f} MB added"
            )
            return
        peer = in_a_process("crowd-kit", folder, n_iter)
        ours = in_a_process("second-look", folder, int(peer["iterations"]))
        posteriors = [
            np.load(folder / f"{who}-posterior.npy") for who in ("crowd-kit", "second-look")
        ]
        apart = float(np.abs(posteriors[0] - posteriors[1]).max())
    if apart > 1e-6:
        raise SystemExit(f"the posteriors differ by {apart:.2g}")
    print(
        f"Dawid-Skene, {options.judgments:,} judgments, {ours['iterations']} iterations: "
        f"{peer['seconds'] / ours['seconds']:.1f} x crowd-kit's speed at "
        f"{ours['added_mb'] / peer['added_mb']:.3f} of its added memory, "
        f"posteriors equal within {apart:.1g} (goals: 50 x, 0.167, 1e-6)"
    )


if __name__ == "__main__":
    main()
