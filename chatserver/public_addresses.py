"""Whether an IP address is public: a server may connect to it at the request of a user.

The table is that of IANA's special-purpose registries and of addresses of cloud providers, so that
it does not change with the version of Python. Addresses that embed another one are judged by it.
"""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

_IPV4 = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24"
        " 192.0.2.0/24 192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24"
        " 224.0.0.0/4 240.0.0.0/4 168.63.129.16/32"
    ).split()
)
_IPV6 = tuple(
    ip_network(text)
    for text in (
        "::/96 ::ffff:0:0/96 64:ff9b:1::/48 100::/64 100:0:0:1::/64 2001::/23 2001:db8::/32"
        " 2002::/16 3fff::/20 5f00::/16 fc00::/7 fe80::/10 fec0::/10 ff00::/8"
    ).split()
)
_EMBEDDING = (ip_network("::ffff:0:0:0/96"), ip_network("64:ff9b::/96"))  # RFC 2765, RFC 6052


def is_public(address: str) -> bool:
    """Whether an address, as a resolver returns it, is public; an IPv6 scope makes it local."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, IPv4Address):
        return not any(parsed in network for network in _IPV4)
    return _is_public_ipv6(parsed)


def _is_public_ipv6(address: IPv6Address) -> bool:
    if address.scope_id is not None or any(address in network for network in _IPV6):
        return False
    if any(address in network for network in _EMBEDDING):
        return is_public(str(IPv4Address(int(address) & 0xFFFF_FFFF)))
    return True
