use std::net::IpAddr;

/// An address or a network in an ACL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::fake) struct Network {
    address: IpAddr,
    /// Length of the prefix, in bits.
    pub(in crate::fake) prefix: u8,
}

impl Network {
    /// Reads an address or network, such as `192.0.2.1` or `192.0.2.0/24`.
    pub(in crate::fake) fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.map_or(Some(longest), |prefix| prefix.parse().ok())?;
        (prefix <= longest).then_some(Self { address, prefix })
    }

    pub(in crate::fake) fn contains(&self, address: IpAddr) -> bool {
        let (bits, one, other) = match (self.address, address) {
            (IpAddr::V4(one), IpAddr::V4(other)) => (32, one.to_bits().into(), other.to_bits().into()),
            (IpAddr::V6(one), IpAddr::V6(other)) => (128, one.to_bits(), other.to_bits()),
            _ => return false,
        };
        let differing: u128 = one ^ other;
        // A shift by all bits returns `None`: the prefix is 0, and every address matches.
        differing.checked_shr(bits - u32::from(self.prefix)).unwrap_or(0) == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_contains_what_begins_like_it() {
        for (network, address, contains) in [
            ("192.0.2.0/24", "192.0.2.7", true),
            ("192.0.2.9/24", "192.0.2.7", true),
            ("192.0.2.0/24", "192.0.3.0", false),
            ("192.0.2.7", "192.0.2.7", true),
            ("192.0.2.7", "192.0.2.6", false),
            ("0.0.0.0/0", "192.0.2.6", true),
            ("::/0", "192.0.2.6", false),
            ("::/0", "2001:db8::1", true),
            ("2001:db8::/32", "2001:db9::1", false),
        ] {
            let found = Network::parse(network).unwrap().contains(address.parse().unwrap());
            assert_eq!(found, contains, "{address} in {network}");
        }
    }

    #[test]
    fn what_is_no_network_is_none() {
        for text in ["nope", "300.1.1.1", "1.2.3.4/33", "1.2", "::/129", "", "/8"] {
            assert_eq!(Network::parse(text), None, "{text:?}");
        }
    }
}
