//! The regions of Genesys Cloud, each with its domain (FACTS 1.4).
//!
//! A pure table. It grows now and then, so that a domain that is not in it is no mistake by itself.

/// One region, under the two names that people use for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// As the hosting calls it, such as `eu-central-1`.
    pub name: &'static str,
    /// As the addresses call it: `https://api.{domain}`, `https://login.{domain}`.
    pub domain: &'static str,
}

const fn region(name: &'static str, domain: &'static str) -> Region {
    Region { name, domain }
}

/// All that are known.
pub const REGIONS: [Region; 18] = [
    region("us-east-1", "mypurecloud.com"),
    region("eu-west-1", "mypurecloud.ie"),
    region("ap-southeast-2", "mypurecloud.com.au"),
    region("ap-northeast-1", "mypurecloud.jp"),
    region("eu-central-1", "mypurecloud.de"),
    region("us-west-2", "usw2.pure.cloud"),
    region("ca-central-1", "cac1.pure.cloud"),
    region("ap-northeast-2", "apne2.pure.cloud"),
    region("eu-west-2", "euw2.pure.cloud"),
    region("ap-south-1", "aps1.pure.cloud"),
    region("us-east-2", "use2.us-gov-pure.cloud"),
    region("sa-east-1", "sae1.pure.cloud"),
    region("me-central-1", "mec1.pure.cloud"),
    region("ap-northeast-3", "apne3.pure.cloud"),
    region("eu-central-2", "euc2.pure.cloud"),
    region("mx-central-1", "mxc1.pure.cloud"),
    region("ap-southeast-1", "apse1.pure.cloud"),
    region("eusc-de-east-1", "edee1.eusc-pure.cloud"),
];

/// The domain of a known region, by domain or name (`eu-central-1`, or `eu_central_1` as Genesys'
/// own libraries spell it), in any case.
pub fn known_domain(text: &str) -> Option<&'static str> {
    let lower = text.to_ascii_lowercase();
    let name = lower.replace('_', "-");
    let found = REGIONS.iter().find(|region| region.domain == lower || region.name == name);
    found.map(|region| region.domain)
}

/// Returns true if and only if the text could be the domain of a region that is not known here.
pub fn looks_like_domain(text: &str) -> bool {
    let is_label = |label: &str| {
        let inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        !label.is_empty()
            && label.len() <= 63
            && label.bytes().all(inner)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let top = text.rsplit('.').next().unwrap_or_default();
    text.contains('.')
        && text.len() <= 253
        && text.split('.').all(is_label)
        && top.bytes().all(|byte| byte.is_ascii_alphabetic())
        && !["api.", "login.", "apps.", "streaming."].iter().any(|host| text.starts_with(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_is_known_by_both_names() {
        for text in ["mypurecloud.de", "MyPureCloud.de", "eu-central-1", "eu_central_1"] {
            assert_eq!(known_domain(text), Some("mypurecloud.de"), "{text}");
        }
        assert_eq!(known_domain("mypurecloud.xy"), None);
    }

    #[test]
    fn hosts_and_words_are_no_domains() {
        assert!(looks_like_domain("apne4.pure.cloud"));
        for text in ["", "frankfurt", "api.mypurecloud.de", "https://x.y", "a..b", "127.0.0.1"] {
            assert!(!looks_like_domain(text), "{text}");
        }
    }
}
