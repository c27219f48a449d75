"""Query parameters of addresses that are no lists."""

from rest_framework import serializers
from rest_framework.request import Request


def known_parameters(request: Request, known: tuple[str, ...]) -> None:
    """Refuse parameters that the address does not have, as lists do."""
    sentence = f"Unknown parameter. Known: {', '.join(known) or 'none'}."
    if unknown := {name: [sentence] for name in request.query_params if name not in known}:
        raise serializers.ValidationError(unknown)
