"""Runs a management command inside embedded servers, with one-line errors and exit codes.

Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 130 interrupted.
"""

import contextlib
import sys

# Django's commands that need neither database nor queue; all others get the servers.
WITHOUT_SERVERS = {"help", "version", "collectstatic", "makemessages", "startapp", "spectacular"}

# Commands that must run before the tables are migrated, or migrate them.
MIGRATING = {"migrate", "makemigrations", "showmigrations", "sqlmigrate", "test", "check", "up"}


def migrate_if_needed() -> None:
    """Bring the embedded database's tables up to date; concurrent commands take turns.

    Only its administrator migrates a database named by DATABASE_URL (`manage.py migrate`).
    """
    from django.core.management import call_command
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    from imagesets.locks import Lock, held

    with held(Lock.MIGRATION, 0):
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            call_command("migrate", verbosity=0, interactive=False)


def needs_servers(argv: list[str]) -> bool:
    """Whether this command line needs the database or the queue."""
    if len(argv) < 2 or argv[1].startswith("-"):
        return False
    return argv[1] not in WITHOUT_SERVERS and not {"-h", "--help"} & set(argv[2:])


def _is_lost_database(error: Exception) -> bool:
    """Whether the connection is lost or was refused: an error that Postgres reports has a code."""
    from django.db import InterfaceError, OperationalError

    if isinstance(error, InterfaceError):
        return True
    code = getattr(error.__cause__, "pgcode", None)
    return isinstance(error, OperationalError) and (code is None or code.startswith("57P"))


def run(argv: list[str]) -> int:
    """Run one command line and return its exit code."""
    import django
    from django.conf import settings
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line, get_commands
    from django.core.management.base import CommandError, SystemCheckError

    from annotation.serving.embedded import running
    from annotation.serving.embedded.processes import heed_interrupts

    heed_interrupts()
    show_traceback = "--traceback" in argv
    try:
        # Not started by settings: only the command line tells whether it needs them.
        embedded = settings.EMBEDDED_SERVERS and needs_servers(argv)
        if embedded:
            django.setup()
            embedded = argv[1] in get_commands()  # a slip of the finger starts no servers
        with running(settings.DATA_DIR) if embedded else contextlib.nullcontext():
            if embedded and settings.EMBEDDED_DATABASE and argv[1] not in MIGRATING:
                migrate_if_needed()
            # With --traceback Django leaves errors to us instead of printing them its own way.
            traceback = ["--traceback"] if needs_servers(argv) and not show_traceback else []
            execute_from_command_line([*argv[:2], *traceback, *argv[2:]])
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return 130
    except SystemExit as stop:
        if len(argv) > 1 and argv[1] not in {"help", *get_commands()} and argv[1][:1] != "-":
            return 2
        return stop.code if isinstance(stop.code, int) else int(bool(stop.code))
    except Exception as error:
        if show_traceback:
            raise
        if _is_lost_database(error):
            message = " ".join(str(error).split())
            print(f"Error: The database does not answer: {message}", file=sys.stderr)
            return 1
        if isinstance(error, SystemCheckError):
            print(error, file=sys.stderr)
            return 1
        expected = isinstance(error, (CommandError, ImproperlyConfigured, OSError, RuntimeError))
        kind = "" if expected else f"{type(error).__name__}: "
        hint = "" if expected else " (run again with --traceback to see where)"
        print(f"Error: {kind}{' '.join(str(error).split())}{hint}", file=sys.stderr)
        return getattr(error, "returncode", 1)
    return 0
