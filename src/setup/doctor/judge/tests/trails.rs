//! Trails that log too little, too much, or nothing.

use super::*;

#[test]
fn trails_are_judged_by_what_the_deletes_need() {
    let mut told: Vec<(&'static str, State, String)> = Vec::new();
    let mut spoil = |spoil: fn(&mut Trail)| told.push(one(|seen| spoil(&mut seen.trails[0])));
    spoil(|trail| trail.status.as_mut().unwrap().is_logging = false);
    spoil(|trail| trail.status.as_mut().unwrap().delivery_error = Some("AccessDenied".into()));
    spoil(|trail| trail.status.as_mut().unwrap().delivered_millis = Some(NOW - 7_200_000));
    spoil(|trail| trail.validates = false);
    spoil(|trail| {
        let Ok(Selectors::Advanced(all)) = &mut trail.selectors else { unreachable!() };
        all[0].push(unwanted("eventType", Pattern::Equals("AwsServiceEvent".into())));
    });
    spoil(|trail| {
        let Ok(Selectors::Advanced(all)) = &mut trail.selectors else { unreachable!() };
        all[0].pop();
    });
    spoil(|trail| {
        let Ok(Selectors::Advanced(all)) = &mut trail.selectors else { unreachable!() };
        all.remove(0);
    });
    spoil(|trail| {
        let Ok(Selectors::Advanced(all)) = &mut trail.selectors else { unreachable!() };
        all.remove(1);
    });
    spoil(|trail| {
        trail.is_multi_region = false;
        trail.home_region = "us-east-1".to_owned();
    });
    let told: Vec<String> =
        told.into_iter().map(|(name, state, said)| format!("{name} {state:?}\n  {said}")).collect();
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn a_trail_that_leaves_itself_out_may_select_its_bucket() {
    let spoiled = spoiled(|seen| {
        let Ok(Selectors::Advanced(all)) = &mut seen.trails[0].selectors else { unreachable!() };
        all[0].pop();
        seen.trails[0].logs_itself = Some(false);
    });
    assert_eq!(spoiled, []);
}

#[test]
fn trails_that_nobody_may_see_are_unknown() {
    let refusal = denied("cloudtrail:DescribeTrails", "the trails of eu-west-1");
    let (name, state, said) = one(|seen| {
        seen.trails.clear();
        seen.trails_untold = vec![refusal];
    });
    assert_eq!((name, state), ("trail", State::Unknown));
    assert!(said.contains("allow cloudtrail:DescribeTrails"), "{said}");
    let (name, state, _) = one(|seen| seen.trails.clear());
    assert_eq!((name, state), ("trail", State::Warn));
    let elsewhere = |seen: &mut Seen| "trail-logs-2".clone_into(&mut seen.trails[0].bucket);
    assert_eq!(one(elsewhere).0, "trail");
}

#[test]
fn some_buckets_or_unknown_ones_are_told_as_such() {
    let some = one(|seen| {
        let Ok(Selectors::Advanced(all)) = &mut seen.trails[0].selectors else { unreachable!() };
        let videos = Pattern::StartsWith("arn:aws:s3:::videos/".to_owned());
        all[0].push(unwanted("resources.ARN", videos));
        let protection = seen.watched.buckets[0].protection.clone();
        seen.watched.buckets.push(SeenBucket { name: "videos".to_owned(), protection });
    });
    assert_eq!((some.0, some.1), ("delete_events", State::Warn));
    assert!(some.2.contains("not logged in videos"), "{}", some.2);
    let unlisted = spoiled(|seen| {
        seen.watched.buckets.clear();
        seen.watched.unlisted = Some(denied("s3:ListAllMyBuckets", "the account"));
    });
    assert!(unlisted.iter().all(|check| check.verdict.state == State::Unknown), "{unlisted:#?}");
}
