//! Selectors as the documentation shows them, and which deletes they log.

use proptest::prelude::*;

use super::{Basic, Coverage, Events, Field, Pattern, Selectors, coverage};

const IMAGES: &str = "arn:aws:s3:::example-images";

fn deletes(kind: &'static str) -> Events<'static> {
    Events::Object { name: "DeleteObject", kind, bucket_arn: IMAGES }
}

const DIRECT: &str = "AwsApiCall";
const OF_BULK: &str = "AwsServiceEvent";

fn equals(name: &str, values: &[&str]) -> Field {
    let wanted = values.iter().map(|&value| Pattern::Equals(value.to_owned())).collect();
    Field { name: name.to_owned(), wanted, unwanted: Vec::new() }
}

fn starts(name: &str, value: &str) -> Field {
    let wanted = vec![Pattern::StartsWith(value.to_owned())];
    Field { name: name.to_owned(), wanted, unwanted: Vec::new() }
}

fn but(name: &str, pattern: Pattern) -> Field {
    Field { name: name.to_owned(), wanted: Vec::new(), unwanted: vec![pattern] }
}

fn data(more: &[Field]) -> Selectors {
    let of_objects =
        [equals("eventCategory", &["Data"]), equals("resources.type", &["AWS::S3::Object"])];
    Selectors::Advanced(vec![[&of_objects[..], more].concat()])
}

#[test]
fn data_events_of_objects_hold_both_kinds_of_deletes() {
    for more in [
        vec![],
        vec![equals("readOnly", &["false"])],
        vec![equals("eventName", &["DeleteObject", "DeleteObjects"])],
        vec![starts("eventName", "Delete")],
        vec![starts("resources.ARN", "arn:aws:s3:::example-images/")],
        vec![starts("resources.ARN", "arn:aws:s3:::example-")],
        vec![but("resources.ARN", Pattern::StartsWith("arn:aws:s3:::trail-logs/".into()))],
        vec![equals("eventType", &["AwsApiCall", "AwsServiceEvent"])],
    ] {
        for kind in [DIRECT, OF_BULK] {
            assert_eq!(coverage(&data(&more), deletes(kind)), Coverage::Full, "{kind}: {more:?}");
        }
    }
}

#[test]
fn the_keys_of_bulk_deletes_are_left_out_as_the_documentation_shows_it() {
    let without_keys = [
        but("eventType", Pattern::Equals(OF_BULK.to_owned())),
        equals("eventType", &[DIRECT]),
        but("eventType", Pattern::EndsWith("ServiceEvent".to_owned())),
    ];
    for field in without_keys {
        let selectors = data(std::slice::from_ref(&field));
        assert_eq!(coverage(&selectors, deletes(DIRECT)), Coverage::Full, "{field:?}");
        assert_eq!(coverage(&selectors, deletes(OF_BULK)), Coverage::None, "{field:?}");
    }
}

#[test]
fn what_selects_no_deletes_is_seen() {
    for more in [
        vec![equals("readOnly", &["true"])],
        vec![equals("eventName", &["PutObject"])],
        vec![but("eventName", Pattern::StartsWith("Delete".into()))],
        vec![starts("resources.ARN", "arn:aws:s3:::example-images-2/")],
        vec![but("resources.ARN", Pattern::StartsWith(format!("{IMAGES}/")))],
        vec![equals("resources.ARN", &["arn:aws:s3:::other/a"])],
    ] {
        assert_eq!(coverage(&data(&more), deletes(DIRECT)), Coverage::None, "{more:?}");
    }
    let lambda =
        [equals("eventCategory", &["Data"]), equals("resources.type", &["AWS::Lambda::Function"])];
    assert_eq!(
        coverage(&Selectors::Advanced(vec![lambda.into()]), deletes(DIRECT)),
        Coverage::None
    );
    let management = Selectors::Advanced(vec![vec![equals("eventCategory", &["Management"])]]);
    assert_eq!(coverage(&management, deletes(DIRECT)), Coverage::None);
    assert_eq!(
        coverage(&management, Events::Management { name: "PutBucketPolicy" }),
        Coverage::Full
    );
    assert_eq!(coverage(&Selectors::Advanced(vec![vec![]]), deletes(DIRECT)), Coverage::None);
}

#[test]
fn a_part_of_the_keys_or_of_the_callers_is_a_part() {
    for more in [
        vec![starts("resources.ARN", "arn:aws:s3:::example-images/thumbnails/")],
        vec![but("resources.ARN", Pattern::StartsWith(format!("{IMAGES}/tmp/")))],
        vec![equals("resources.ARN", &["arn:aws:s3:::example-images/a"])],
        vec![but("resources.ARN", Pattern::EndsWith(".tmp".into()))],
        vec![but("userIdentity.arn", Pattern::StartsWith("arn:aws:sts::1:assumed-role/x".into()))],
    ] {
        assert_eq!(coverage(&data(&more), deletes(DIRECT)), Coverage::Part, "{more:?}");
    }
}

#[test]
fn one_selector_is_enough() {
    let Selectors::Advanced(mut all) = data(&[equals("readOnly", &["true"])]) else { panic!() };
    let Selectors::Advanced(more) =
        data(&[starts("resources.ARN", "arn:aws:s3:::example-images/")])
    else {
        panic!()
    };
    all.extend(more);
    assert_eq!(coverage(&Selectors::Advanced(all), deletes(OF_BULK)), Coverage::Full);
}

#[test]
fn basic_selectors_log_objects_by_the_beginning_of_their_arn() {
    let of = |start: &str, writes| {
        let basic = Basic { writes, objects: vec![start.to_owned()], ..Basic::default() };
        coverage(&Selectors::Basic(vec![basic]), deletes(OF_BULK))
    };
    for all in ["arn:aws:s3", "arn:aws:s3:::", "arn:aws:s3:::example-images/"] {
        assert_eq!(of(all, true), Coverage::Full, "{all}");
        assert_eq!(of(all, false), Coverage::None, "{all}");
    }
    assert_eq!(of("arn:aws:s3:::example-images/tmp/", true), Coverage::Part);
    assert_eq!(of("arn:aws:s3:::other/", true), Coverage::None);
    let management = Basic { writes: true, management: true, ..Basic::default() };
    let default = Selectors::Basic(vec![management]);
    assert_eq!(coverage(&default, deletes(DIRECT)), Coverage::None);
    assert_eq!(coverage(&default, Events::Management { name: "PutBucketPolicy" }), Coverage::Full);
}

proptest! {
    /// What is said of all keys of a bucket holds for each of them.
    #[test]
    fn what_is_said_of_a_bucket_holds_for_its_keys(
        start in "(arn:aws:s3:::)?(ex|example-images)?(/a?)?", key in "[ab/]{1,4}", is_wanted: bool,
    ) {
        let pattern = Pattern::StartsWith(start.clone());
        let field = if is_wanted {
            Field { wanted: vec![pattern], ..but("resources.ARN", Pattern::Equals("-".into())) }
        } else {
            but("resources.ARN", pattern)
        };
        let keys = format!("{IMAGES}/");
        let begins = format!("{keys}{key}").starts_with(&start);
        match coverage(&data(&[field]), deletes(DIRECT)) {
            Coverage::Full => prop_assert_eq!(begins, is_wanted),
            Coverage::None => prop_assert_eq!(begins, !is_wanted),
            Coverage::Part => prop_assert!(start.starts_with(&keys)),
        }
    }
}
