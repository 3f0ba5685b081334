"""
Peers that speak something else, and would take our answers for its own: browsers
that were sent here, TLS where there is none, scanners.

They are known by their first bytes, none of which begins a JSON object.
"""

_METHODS = (
    b"GET",
    b"HEAD",
    b"POST",
    b"PUT",
    b"DELETE",
    b"CONNECT",
    b"OPTIONS",
    b"TRACE",
    b"PATCH",
)

_PREFIXES = {
    **{method + b" ": "HTTP" for method in _METHODS},
    b"PRI * HTTP/2": "HTTP",
    b"\x16\x03": "TLS",
    b"SSH-": "SSH",
}

#: How many bytes tell.
LONGEST_PREFIX = max(map(len, _PREFIXES))


def other_protocol(start: bytes) -> str | None:
    """
    @param start: the first bytes of a connection, as far as they have come.
    @return: what they begin; C{None} if that is none of what is known here.
    """
    return next((name for prefix, name in _PREFIXES.items() if start.startswith(prefix)), None)


def may_become_other(start: bytes) -> bool:
    """
    Whether more bytes could make it another protocol.
    """
    return len(start) < LONGEST_PREFIX and any(prefix.startswith(start) for prefix in _PREFIXES)
