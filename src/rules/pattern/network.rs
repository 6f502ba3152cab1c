//! Networks in CIDR form, and the addresses in them.

use core::net::IpAddr;
use std::fmt;

/// A network such as `10.1.0.0/16`; an address alone is a network of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Network {
    address: IpAddr,
    length: u32,
}

impl Network {
    /// Reads a network; `None` if it is none.
    pub fn parse(text: &str) -> Option<Network> {
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let whole = if address.is_ipv4() { 32 } else { 128 };
        let length = match length {
            // Not `+8` and the like.
            Some(length) if length.bytes().all(|byte| byte.is_ascii_digit()) => {
                length.parse().ok()?
            }
            Some(_) => return None,
            None => whole,
        };
        (length <= whole).then_some(Network { address, length })
    }

    /// Whether an address lies in it: `10.1.2.3`, `10.1.2.3:5060`, `[2001:db8::1]:5060`, or
    /// `somebody@10.1.2.3`.
    pub fn holds(&self, text: &str) -> bool {
        match (address(text), self.address) {
            (Some(IpAddr::V4(found)), IpAddr::V4(mine)) => {
                let differ = u32::from(found) ^ u32::from(mine);
                differ.leading_zeros() >= self.length
            }
            (Some(IpAddr::V6(found)), IpAddr::V6(mine)) => {
                let differ = u128::from(found) ^ u128::from(mine);
                differ.leading_zeros() >= self.length
            }
            (Some(IpAddr::V4(_) | IpAddr::V6(_)) | None, _) => false,
        }
    }
}

fn address(text: &str) -> Option<IpAddr> {
    let host = text.rsplit('@').next().unwrap_or(text);
    if let Some(inside) = host.strip_prefix('[') {
        return inside.split(']').next()?.parse().ok();
    }
    host.parse().ok().or_else(|| host.rsplit_once(':')?.0.parse().ok())
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_in_networks() {
        for (network, inside, outside) in [
            ("10.1.0.0/16", "10.1.255.3", "10.2.0.1"),
            ("10.1.0.0/16", "+4930123@10.1.2.3:5060", "+4930123"),
            ("0.0.0.0/0", "8.8.8.8", "2001:db8::1"),
            ("192.0.2.7", "192.0.2.7", "192.0.2.8"),
            ("2001:db8::/32", "[2001:db8::1]:5060", "2001:db9::1"),
            ("2001:db8::/32", "2001:db8:ffff::", "10.1.2.3"),
        ] {
            let network = Network::parse(network).unwrap();
            assert!(network.holds(inside), "{network:?} {inside}");
            assert!(!network.holds(outside), "{network:?} {outside}");
        }
        for text in ["", "10.1.0.0/33", "10.1/16", "10.1.0.0/", "10.1.0.0/+8", "::/129", "x"] {
            assert_eq!(Network::parse(text), None, "{text}");
        }
    }
}
