"""What runs beside a test, or at once, in threads with connections of their own."""

from collections.abc import Callable
from concurrent.futures import Future
from contextlib import contextmanager
from threading import Barrier, Thread

from django.db import connection, transaction

from tests.studies.processes import until


def at_once(*calls: Callable, expected: tuple[type[BaseException], ...] = ()) -> list:
    """Make all calls at the same moment, each on a connection of its own.

    Returns what each call returned, or an `expected` exception that it raised; raises any other.
    """
    outcomes: list[Future] = [Future() for _ in calls]
    gate = Barrier(len(calls))

    def run(call: Callable, outcome: Future) -> None:
        gate.wait()
        _settle(outcome, call)

    threads = [Thread(target=run, args=both) for both in zip(calls, outcomes, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [
        outcome.exception() if isinstance(outcome.exception(), expected) else outcome.result()
        for outcome in outcomes
    ]


def _settle(outcome: Future, function: Callable, *arguments: object) -> None:
    """Call the function in this thread, note what came of it, and close the connection."""
    try:
        outcome.set_result(function(*arguments))
    except BaseException as error:
        outcome.set_exception(error)
    finally:
        connection.close()


@contextmanager
def beside(function, *arguments):
    """Run a function on another connection; commit the block once the function waits for it."""

    def waits() -> bool:
        with connection.cursor() as cursor:
            cursor.execute("SELECT FROM pg_locks WHERE NOT granted")
            return cursor.rowcount > 0

    outcome: Future = Future()
    thread = Thread(target=_settle, args=(outcome, function, *arguments))
    with transaction.atomic():
        yield outcome
        thread.start()
        until(lambda: waits() or outcome.done())
    thread.join()
