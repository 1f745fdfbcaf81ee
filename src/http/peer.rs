//! Who is at the other end of a connection, as far as limits and origins need to know. It does not
//! know what is asked for.

use std::net::{IpAddr, Ipv6Addr};

/// Hosts of one network of this length are one peer: whoever has an IPv6 address has all of them.
const IPV6_NETWORK_BITS: u32 = 64;

/// The other end of a connection, which every request of it carries as an extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Peer {
    /// Whose share of the limits it takes: an IPv4 address, or the first of an IPv6 network. What
    /// a header says of it is not believed.
    pub(super) address: IpAddr,
    /// Whether the connection is encrypted here.
    pub(super) is_encrypted: bool,
}

impl Peer {
    pub(super) fn new(address: IpAddr, is_encrypted: bool) -> Self {
        let address = match address.to_canonical() {
            IpAddr::V6(v6) => {
                let network = u128::MAX << (128 - IPV6_NETWORK_BITS);
                Ipv6Addr::from_bits(v6.to_bits() & network).into()
            }
            v4 @ IpAddr::V4(_) => v4,
        };
        Self { address, is_encrypted }
    }

    /// The scheme of URLs that lead to this connection.
    pub(super) const fn scheme(self) -> &'static str {
        if self.is_encrypted { "https" } else { "http" }
    }
}

#[cfg(test)]
mod tests {
    use super::Peer;

    #[test]
    fn a_network_of_ipv6_and_an_address_of_ipv4_are_one_peer() {
        let peer = |address: &str| Peer::new(address.parse().unwrap(), false).address.to_string();
        assert_eq!(peer("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(peer("2001:db8:1:2::"), "2001:db8:1:2::");
        assert_eq!(peer("192.0.2.7"), "192.0.2.7");
        assert_eq!(peer("::ffff:192.0.2.7"), "192.0.2.7");
    }
}
