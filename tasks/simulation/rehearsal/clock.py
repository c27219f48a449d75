"""The marketplace's time: the real one, moved forward by as much as one likes."""

import threading
from datetime import UTC, datetime, timedelta


class Clock:
    """Never stands still, never goes back."""

    def __init__(self) -> None:
        self._ahead = timedelta()
        self._lock = threading.Lock()

    def now(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    def move(self, by: timedelta) -> datetime:
        """Move forward; the time it is then. Raises ValueError where that would be back."""
        if by < timedelta():
            raise ValueError(f"the clock cannot be moved back ({by})")
        with self._lock:
            self._ahead += by
        return self.now()
