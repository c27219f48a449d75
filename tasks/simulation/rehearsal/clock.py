"""The marketplace's time: the real time, moved forward as far as needed."""

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
        """Move forward. Returns the new time. Raises ValueError for a step back."""
        if by < timedelta():
            raise ValueError(f"the clock cannot be moved back ({by})")
        with self._lock:
            self._ahead += by
        return self.now()
