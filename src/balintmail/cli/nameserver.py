"""Read the address of a name server as it is typed: `192.0.2.1`, `192.0.2.1:5353`, `2001:db8::1`, `[2001:db8::1]:53`.

It asks nobody. Used by the commands that take --nameserver.
"""

import ipaddress

from balintmail.errors import UsageRefused


def read_server(text: str) -> tuple[str, int]:
    """Return address and port; an empty text gives "" and 53, the machine's own. Raises UsageRefused."""
    host, port = text, "53"
    if text.startswith("[") or text.count(":") == 1:
        host, _, rest = text.rpartition(":") if not text.endswith("]") else (text, "", "53")
        host, port = host.strip("[]"), rest
    try:
        if host:
            ipaddress.ip_address(host)
        number = int(port)
        if not 0 < number < 65536:
            raise ValueError(port)
    except ValueError as exc:
        raise UsageRefused(
            f'"{text}" is no address of a name server.',
            hint="Write an IP address: 192.0.2.1 or 192.0.2.1:5353.",
        ) from exc
    return host, number
