"""How many visitors without an invitation may begin from one network (rule V3).

The address is the one that the site's web server names (REMOTE_ADDR, behind the proxies that the
site trusts); no header is read here.
"""

import ipaddress

from django.conf import settings
from django.db import connection

from imagesets.locks import Lock, number_of, take_until_commit
from tasks.sql.used import used

UNKNOWN = "unknown"
SUBNET = 64  # bits of an IPv6 address that name the network of one customer


def network_of(address: str) -> str:
    """The network that an address counts for: an IPv4 address itself, the /64 of an IPv6 one."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return UNKNOWN
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    if isinstance(ip, ipaddress.IPv4Address):
        return str(ip)
    return str(ipaddress.ip_network((ip, SUBNET), strict=False))


# The visitors of a network in the last day: in an hour at most as many as the limit begin, so
# there are few, however large the campaign.
_VISITORS = """
    FROM tasks_arrival v
    WHERE v.network = %(network)s AND v.is_visitor
      AND v.begun_at > statement_timestamp() - interval '1 day'
"""
_COUNT = f"""
    SELECT count(DISTINCT v.worker_id)
             FILTER (WHERE v.at > statement_timestamp() - interval '1 hour'),
           count(*) FILTER (WHERE EXISTS (
             SELECT FROM tasks_assignment a
             WHERE a.worker_id = v.worker_id AND a.campaign_id = v.campaign_id
               AND a.state = 'open'
               AND (a.expires_at IS NULL OR a.expires_at > statement_timestamp())))
    {_VISITORS} AND v.worker_id IS DISTINCT FROM %(worker)s
"""
_FORGET_PROVEN = f"""
    UPDATE tasks_arrival SET is_visitor = false
    WHERE id IN (SELECT v.id {_VISITORS} AND EXISTS (
      SELECT FROM tasks_assignment a WHERE a.worker_id = v.worker_id AND {used("a")}))
"""


def is_full(network: str, worker_id: int | None) -> bool:
    """Whether the network's visitors are so many that this one has to wait; None: somebody new.

    The caller's transaction then holds the network until it ends, so that of two at once each
    counts the other.
    """
    take_until_commit(Lock.NETWORK, number_of(network))
    if not _has_too_many(network, worker_id):
        return False
    with connection.cursor() as cursor:  # whoever has given a used answer since counts no longer
        cursor.execute(_FORGET_PROVEN, {"network": network})
    return _has_too_many(network, worker_id)


def _has_too_many(network: str, worker_id: int | None) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, {"network": network, "worker": worker_id})
        new, at_work = cursor.fetchone()
    too_many_new = worker_id is None and new >= settings.NEW_VISITORS_PER_HOUR
    return too_many_new or at_work >= settings.VISITORS_AT_ONCE
