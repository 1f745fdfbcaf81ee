//! Asking `CloudTrail` for trails, region by region, each trail in its home region.

use std::collections::{BTreeMap, BTreeSet};

use aws_config::SdkConfig;
use aws_sdk_cloudtrail::Client;
use aws_sdk_cloudtrail::types::{
    AdvancedEventSelector, AdvancedFieldSelector, EventSelector, ReadWriteType, Trail as Told,
};
use futures_util::future::join_all;

use super::selectors::{Basic, Field, Pattern, Selectors};
use super::{Status, Trail};
use crate::setup::client::config;
use crate::setup::refusal::{Asked, Refusal};

/// The trails that are seen from these regions, and why some regions told none.
pub(in crate::setup) async fn trails(
    aws: &SdkConfig,
    regions: &BTreeSet<String>,
) -> (Vec<Trail>, Vec<Refusal>) {
    let answers = join_all(regions.iter().map(|region| describe(aws, region))).await;
    let mut told = BTreeMap::new();
    let mut untold = Vec::new();
    for (region, answer) in regions.iter().zip(answers) {
        match answer {
            Ok(trails) => told.extend(trails.into_iter().map(|trail| {
                let arn = trail.trail_arn.clone().unwrap_or_default();
                (arn, (region.clone(), trail))
            })),
            Err(refusal) => untold.push(refusal),
        }
    }
    let whole = told.into_iter().map(|(arn, (region, trail))| whole(aws, arn, region, trail));
    (join_all(whole).await, untold)
}

fn client(aws: &SdkConfig, region: &str) -> Client {
    Client::new(&config(aws, region))
}

async fn describe(aws: &SdkConfig, region: &str) -> Result<Vec<Told>, Refusal> {
    let answer = client(aws, region).describe_trails().include_shadow_trails(true).send().await;
    let asked = || Asked::new("cloudtrail:DescribeTrails", format!("the trails of {region}"));
    let answer = answer.map_err(|error| Refusal::of(asked(), &error))?;
    Ok(answer.trail_list.unwrap_or_default())
}

/// A trail with its status and selectors, which its home region tells.
async fn whole(aws: &SdkConfig, arn: String, seen_in: String, trail: Told) -> Trail {
    let home_region = trail.home_region.unwrap_or(seen_in);
    let client = client(aws, &home_region);
    let (status, selectors) = tokio::join!(status(&client, &arn), selectors(&client, &arn));
    Trail {
        bucket: trail.s3_bucket_name.unwrap_or_default(),
        prefix: trail.s3_key_prefix.unwrap_or_default().trim_matches('/').to_owned(),
        topic_arn: trail.sns_topic_arn,
        is_multi_region: trail.is_multi_region_trail.unwrap_or_default(),
        validates: trail.log_file_validation_enabled.unwrap_or_default(),
        logs_itself: trail.recursive_logging,
        arn,
        home_region,
        status,
        selectors,
    }
}

async fn status(client: &Client, arn: &str) -> Result<Status, Refusal> {
    let answer = client.get_trail_status().name(arn).send().await;
    let asked = || Asked::new("cloudtrail:GetTrailStatus", arn);
    let answer = answer.map_err(|error| Refusal::of(asked(), &error))?;
    Ok(Status {
        is_logging: answer.is_logging.unwrap_or_default(),
        delivered_millis: answer.latest_delivery_time.and_then(|at| at.to_millis().ok()),
        delivery_error: answer.latest_delivery_error.filter(|error| !error.is_empty()),
        digest_error: answer.latest_digest_delivery_error.filter(|error| !error.is_empty()),
    })
}

async fn selectors(client: &Client, arn: &str) -> Result<Selectors, Refusal> {
    let answer = client.get_event_selectors().trail_name(arn).send().await;
    let asked = || Asked::new("cloudtrail:GetEventSelectors", arn);
    let answer = answer.map_err(|error| Refusal::of(asked(), &error))?;
    let advanced = answer.advanced_event_selectors.unwrap_or_default();
    if advanced.is_empty() {
        let basic = answer.event_selectors.unwrap_or_default();
        return Ok(Selectors::Basic(basic.iter().map(of_basic).collect()));
    }
    Ok(Selectors::Advanced(advanced.iter().map(of_advanced).collect()))
}

fn of_basic(selector: &EventSelector) -> Basic {
    let of_objects = selector.data_resources().iter();
    let of_objects = of_objects.filter(|resource| resource.r#type() == Some("AWS::S3::Object"));
    Basic {
        writes: selector.read_write_type() != Some(&ReadWriteType::ReadOnly),
        management: selector.include_management_events().unwrap_or(true),
        objects: of_objects.flat_map(|resource| resource.values().to_vec()).collect(),
    }
}

fn of_advanced(selector: &AdvancedEventSelector) -> Vec<Field> {
    selector.field_selectors().iter().map(of_field).collect()
}

fn of_field(field: &AdvancedFieldSelector) -> Field {
    let all = |texts: &[String], pattern: fn(String) -> Pattern| {
        texts.iter().cloned().map(pattern).collect::<Vec<_>>()
    };
    let wanted = [
        all(field.equals(), Pattern::Equals),
        all(field.starts_with(), Pattern::StartsWith),
        all(field.ends_with(), Pattern::EndsWith),
    ];
    let unwanted = [
        all(field.not_equals(), Pattern::Equals),
        all(field.not_starts_with(), Pattern::StartsWith),
        all(field.not_ends_with(), Pattern::EndsWith),
    ];
    Field { name: field.field().to_owned(), wanted: wanted.concat(), unwanted: unwanted.concat() }
}
