//! Where a call came from, coarsely enough to be usual: the network of an address, and the family
//! of a user agent. It knows AWS's ways of writing both, and no table of networks.

use core::net::IpAddr;

use crate::domain::Actor;

/// The longest name that is kept of what is neither an address nor a known program.
const NAME_CHARS_MAX: usize = 48;

/// Programs that say more than what they are built on, best first: a console or an
/// infrastructure tool names the SDK inside it as well.
const TELLING: [&str; 7] =
    ["S3Console", "aws-cli", "Terraform", "Boto3", "aws-sdk-", "Botocore", "minio-go"];

/// The network that a call came from: /24 of IPv4, /48 of IPv6, else what CloudTrail names in its
/// place, such as `AWS Internal` or a service.
pub(super) fn network(actor: &Actor) -> Option<String> {
    let source = actor.source_ip.as_deref()?.trim();
    if source.is_empty() || source == "-" {
        return None;
    }
    Some(match source.parse::<IpAddr>().map(|address| address.to_canonical()) {
        Ok(IpAddr::V4(address)) => {
            let [first, second, third, _] = address.octets();
            format!("{first}.{second}.{third}.0/24")
        }
        Ok(IpAddr::V6(address)) => {
            let [first, second, third, ..] = address.segments();
            format!("{first:x}:{second:x}:{third:x}::/48")
        }
        Err(_) => shortened(source),
    })
}

/// The family of the user agent: the program and its major version, such as `aws-sdk-java/2`.
/// Minor versions change with every deployment and say nothing.
pub(super) fn agent_family(actor: &Actor) -> Option<String> {
    let agent = actor.user_agent.as_deref()?;
    let agent = agent.trim().trim_start_matches('[').trim_end_matches(']').trim();
    if agent.is_empty() || agent == "-" {
        return None;
    }
    let products = || {
        agent
            .split([' ', ',', ';', '(', ')', '[', ']'])
            .filter(|token| !token.is_empty())
            .map(|token| token.split_once('/').unwrap_or((token, "")))
    };
    let telling = TELLING
        .iter()
        .find_map(|telling| products().find(|(name, _)| starts_with_ignoring_case(name, telling)));
    let (name, version) = telling.or_else(|| products().next())?;
    let major: String = version
        .trim_start_matches(['v', 'V'])
        .chars()
        .take_while(char::is_ascii_digit)
        .take(6)
        .collect();
    let name = shortened(name);
    Some(if major.is_empty() { name } else { format!("{name}/{major}") })
}

fn starts_with_ignoring_case(name: &str, start: &str) -> bool {
    name.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start))
}

fn shortened(text: &str) -> String {
    text.chars().take(NAME_CHARS_MAX).collect()
}

/// A number for a network or a family, the same on every machine: FNV-1a of its name.
pub(super) fn number_of(name: &str) -> u32 {
    name.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::{agent_family, network};
    use crate::domain::Actor;

    fn family(agent: &str) -> Option<String> {
        agent_family(&Actor { user_agent: Some(agent.into()), ..Actor::default() })
    }

    fn origin(source_ip: &str) -> Option<String> {
        network(&Actor { source_ip: Some(source_ip.into()), ..Actor::default() })
    }

    #[test]
    fn a_program_is_known_by_its_name_and_major_version() {
        let cases = [
            ("aws-sdk-java/2.20.1 Linux/5.10.0 OpenJDK_64-Bit_Server_VM/17", "aws-sdk-java/2"),
            ("[aws-sdk-java/1.12.300 Linux/5.10]", "aws-sdk-java/1"),
            ("aws-sdk-go-v2/1.24.0 os/linux lang/go#1.21 md/GOOS#linux", "aws-sdk-go-v2/1"),
            ("Boto3/1.34.2 md/Botocore#1.34.2 ua/2.0 os/linux", "Boto3/1"),
            ("Boto3/1.9 Python/3.6 Linux/4.14 exec-env/AWS_Lambda Botocore/1.12", "Boto3/1"),
            ("[aws-cli/2.15.0 Python/3.11 Linux/6.1 exe/x86_64 prompt/off]", "aws-cli/2"),
            ("S3Console/0.4, aws-internal/3 aws-sdk-java/1.11.666 Linux/4.9", "S3Console/0"),
            ("APN/1.0 HashiCorp/1.0 Terraform/1.5.7 aws-sdk-go-v2/1.21.0", "Terraform/1"),
            ("MinIO (linux; amd64) minio-go/v7.0.63", "minio-go/7"),
            ("Mozilla/5.0 (Windows NT 10.0; Win64; x64)", "Mozilla/5"),
            ("athena.amazonaws.com", "athena.amazonaws.com"),
            ("cleaner/unknown", "cleaner"),
        ];
        for (agent, expected) in cases {
            assert_eq!(family(agent).as_deref(), Some(expected), "{agent}");
        }
        assert_eq!((family("-"), family("[]"), family(" ")), (None, None, None));
        assert_eq!(family(&"x".repeat(4_000)).unwrap().len(), 48);
    }

    #[test]
    fn an_address_is_known_by_its_network() {
        assert_eq!(origin("203.0.113.77").as_deref(), Some("203.0.113.0/24"));
        assert_eq!(origin("::ffff:203.0.113.77").as_deref(), Some("203.0.113.0/24"));
        assert_eq!(origin("2001:db8:0:1::9").as_deref(), Some("2001:db8:0::/48"));
        assert_eq!(origin("AWS Internal").as_deref(), Some("AWS Internal"));
        assert_eq!((origin("-"), origin("")), (None, None));
    }
}
