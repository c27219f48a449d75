"""Times to come, as people say them."""

from datetime import datetime, timedelta


def about(time: datetime, now: datetime) -> str:
    """When something will be, the vaguer the further off; both in UTC.

    >>> now = datetime(2026, 11, 29, 10, 0)
    >>> about(datetime(2026, 11, 29, 10, 0, 40), now)
    'within a minute'
    >>> about(datetime(2026, 11, 29, 10, 1), now)
    'in about 1 minute'
    >>> about(datetime(2026, 11, 29, 10, 25), now)
    'in about 25 minutes'
    >>> about(datetime(2026, 11, 29, 16, 10), now)
    'about 16:10 UTC'
    >>> about(datetime(2026, 12, 1, 14, 0), now)
    'about Tuesday 14:00 UTC'
    >>> about(datetime(2027, 1, 20, 14, 0), now)
    'about 20 January 2027'
    """
    left = time - now
    if left < timedelta(minutes=1):
        return "within a minute"
    if left < timedelta(hours=1):
        minutes = round(left / timedelta(minutes=1))
        return f"in about {minutes} minute{'' if minutes == 1 else 's'}"
    if time.date() == now.date():
        return f"about {time:%H:%M} UTC"
    if left < timedelta(days=6):
        return f"about {time:%A %H:%M} UTC"
    return f"about {time:%-d %B %Y}"
