//! The ARN of an SNS topic, taken apart. It does not know whether there is such a topic.

use std::fmt;

/// A topic, by its ARN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicArn {
    arn: String,
    region: String,
}

impl TopicArn {
    /// Takes `arn:aws:sns:REGION:ACCOUNT:NAME` apart.
    ///
    /// # Errors
    /// What is wrong and what to write instead.
    pub fn parse(text: &str) -> Result<Self, String> {
        let parts: Vec<_> = text.split(':').collect();
        let is_name = |part: &str, more: &str| {
            !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(c))
        };
        match parts.as_slice() {
            ["arn", partition, "sns", region, account, name]
                if partition.starts_with("aws")
                    && is_name(partition, "-")
                    && is_name(region, "-")
                    && account.len() == 12
                    && account.bytes().all(|byte| byte.is_ascii_digit())
                    && is_name(name, "-_.") =>
            {
                Ok(Self { arn: text.to_owned(), region: (*region).to_owned() })
            }
            ["arn", _, "sns", _, _, _, _] => {
                Err("is the ARN of a subscription: leave out its last part".to_owned())
            }
            _ => Err("is not a topic's ARN: write it as in \
                      arn:aws:sns:eu-west-1:111122223333:alerts"
                .to_owned()),
        }
    }

    /// The whole ARN.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.arn
    }

    pub(super) fn region(&self) -> &str {
        &self.region
    }

    /// Whether its messages keep their order.
    pub(super) fn is_fifo(&self) -> bool {
        self.arn.rsplit_once('.').is_some_and(|(_, suffix)| suffix == "fifo")
    }
}

impl fmt::Display for TopicArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.arn)
    }
}

#[cfg(test)]
mod tests {
    use super::TopicArn;

    #[test]
    fn a_topic_names_its_region_and_its_kind() {
        let topic = TopicArn::parse("arn:aws-cn:sns:cn-north-1:111122223333:alerts.fifo").unwrap();
        assert_eq!((topic.region(), topic.is_fifo()), ("cn-north-1", true));
        assert!(!TopicArn::parse("arn:aws:sns:eu-west-1:111122223333:fifo").unwrap().is_fifo());
    }

    #[test]
    fn what_is_no_topic_is_refused() {
        for (text, why) in [
            ("alerts", "write it as in arn:"),
            ("arn:aws:sqs:eu-west-1:111122223333:alerts", "write it as in arn:"),
            ("arn:aws:sns:eu-west-1:1111:alerts", "write it as in arn:"),
            ("arn:aws:sns:eu-west-1:111122223333:al erts", "write it as in arn:"),
            ("arn:aws:sns:eu-west-1:111122223333:alerts:1a-2b", "leave out its last part"),
        ] {
            assert!(TopicArn::parse(text).unwrap_err().contains(why), "{text}");
        }
    }
}
