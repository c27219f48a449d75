"""What runs beside a test, in a thread with a connection of its own."""

from concurrent.futures import Future
from contextlib import contextmanager
from threading import Thread

from django.db import connection, transaction

from tests.studies.processes import until


@contextmanager
def beside(function, *arguments):
    """Run a function on another connection; commit the block once the function waits for it."""

    def run():
        try:
            outcome.set_result(function(*arguments))
        except BaseException as error:
            outcome.set_exception(error)
        finally:
            connection.close()

    def waits() -> bool:
        with connection.cursor() as cursor:
            cursor.execute("SELECT FROM pg_locks WHERE NOT granted")
            return cursor.rowcount > 0

    outcome: Future = Future()
    thread = Thread(target=run)
    with transaction.atomic():
        yield outcome
        thread.start()
        until(lambda: waits() or outcome.done())
    thread.join()
