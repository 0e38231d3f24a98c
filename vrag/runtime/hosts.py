"""Names and addresses of machines."""

from __future__ import annotations

import ipaddress


def is_local(host: str) -> bool:
    """Whether the host is this machine, so that nothing sent to it crosses a network."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
