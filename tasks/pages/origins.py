"""Which site a form was sent from, as far as the browser says."""

from django.conf import settings
from django.http import HttpRequest


def from_another_site(request: HttpRequest) -> bool:
    """Whether another site's page sent the form, as far as the browser says.

    It would take a place, and a new identity, in the name of whoever looks at that page.
    """
    if (site := request.headers.get("Sec-Fetch-Site")) is not None:
        return site not in ("same-origin", "none")
    if (origin := request.headers.get("Origin")) is None:
        return False
    own = [f"{scheme}://{request.get_host()}" for scheme in ("http", "https")]
    return origin not in [*own, settings.PUBLIC_URL]
