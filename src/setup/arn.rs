//! Names of AWS resources, as far as they are taken apart here. It asks AWS nothing.

/// The parts of an ARN, `arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Arn<'a> {
    pub service: &'a str,
    pub region: &'a str,
    pub account: &'a str,
    pub resource: &'a str,
}

impl<'a> Arn<'a> {
    /// Takes an ARN apart; `None` when it is none.
    pub fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.splitn(6, ':');
        let (arn, partition) = (parts.next()?, parts.next()?);
        let (service, region, account) = (parts.next()?, parts.next()?, parts.next()?);
        let resource = parts.next()?;
        let is_arn = arn == "arn" && partition.starts_with("aws") && !resource.is_empty();
        is_arn.then_some(Self { service, region, account, resource })
    }
}

/// The partition of a region, as ARNs name it.
pub(super) fn partition_of(region: &str) -> &'static str {
    match region {
        region if region.starts_with("cn-") => "aws-cn",
        region if region.starts_with("us-gov-") => "aws-us-gov",
        region if region.starts_with("eusc-") => "aws-eusc",
        _ => "aws",
    }
}

/// The URL of a queue, as SQS makes it of the region, account and name in the ARN.
pub(super) fn queue_url(queue: &Arn<'_>) -> String {
    let domain = match partition_of(queue.region) {
        "aws-cn" => "amazonaws.com.cn",
        _ => "amazonaws.com",
    };
    format!("https://sqs.{}.{domain}/{}/{}", queue.region, queue.account, queue.resource)
}

/// Says what is wrong with a text that should be the ARN of a queue which S3 can send to.
///
/// # Errors
/// What is wrong, to be read after "it".
pub fn check_queue_arn(text: &str) -> Result<(), String> {
    let example = "write arn:aws:sqs:REGION:ACCOUNT:NAME";
    let Some(arn) = Arn::parse(text).filter(|arn| arn.service == "sqs") else {
        return Err(format!("is not the ARN of a queue; {example}"));
    };
    let is_account = arn.account.len() == 12 && arn.account.bytes().all(|b| b.is_ascii_digit());
    if arn.region.is_empty() || !is_account || arn.resource.contains([':', '/', '*']) {
        return Err(format!("names no queue; {example}"));
    }
    if arn.resource.to_ascii_lowercase().ends_with(".fifo") {
        return Err("is a FIFO queue, and S3 sends to standard queues only".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_has_the_url_that_sqs_gives_it() {
        let url = |text| queue_url(&Arn::parse(text).unwrap());
        let european = "https://sqs.eu-west-1.amazonaws.com/111122223333/trail-logs";
        assert_eq!(url("arn:aws:sqs:eu-west-1:111122223333:trail-logs"), european);
        let chinese = "https://sqs.cn-north-1.amazonaws.com.cn/111122223333/trail-logs";
        assert_eq!(url("arn:aws-cn:sqs:cn-north-1:111122223333:trail-logs"), chinese);
    }

    #[test]
    fn only_a_standard_queue_is_attached_to() {
        assert_eq!(check_queue_arn("arn:aws:sqs:eu-west-1:111122223333:trail-logs"), Ok(()));
        for text in [
            "",
            "trail-logs",
            "https://sqs.eu-west-1.amazonaws.com/111122223333/trail-logs",
            "arn:aws:sns:eu-west-1:111122223333:trail-logs",
            "arn:aws:sqs:eu-west-1:111122223333:",
            "arn:aws:sqs:eu-west-1:*:trail-logs",
            "arn:aws:sqs::111122223333:trail-logs",
            "arn:aws:sqs:eu-west-1:111122223333:trail-*",
            "arn:aws:sqs:eu-west-1:111122223333:trail-logs.fifo",
        ] {
            assert!(check_queue_arn(text).is_err(), "{text}");
        }
    }
}
