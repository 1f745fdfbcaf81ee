//! Configurations that others made, and what adding and taking away our part does to them.

use aws_sdk_s3::types::{
    Event, EventBridgeConfiguration, FilterRule, FilterRuleName, LambdaFunctionConfiguration,
    NotificationConfiguration, NotificationConfigurationFilter, QueueConfiguration, S3KeyFilter,
    TopicConfiguration,
};
use proptest::prelude::*;

use super::{Refused, Wish, difference, is_same, listed, unknown_elements, with, without};

const QUEUE: &str = "arn:aws:sqs:eu-west-1:111122223333:trail-logs";
const OTHER_QUEUE: &str = "arn:aws:sqs:eu-west-1:111122223333:thumbnails";
const TOPIC: &str = "arn:aws:sns:eu-west-1:111122223333:uploads";
const FUNCTION: &str = "arn:aws:lambda:eu-west-1:111122223333:function:resize";

fn wish() -> Wish {
    let events = ["s3:ObjectRemoved:*", "s3:LifecycleExpiration:*"];
    Wish {
        queue_arn: QUEUE.to_owned(),
        events: events.map(str::to_owned).into(),
        prefix: "images/".to_owned(),
        suffix: String::new(),
    }
}

fn filter(prefix: &str, suffix: &str) -> Option<NotificationConfigurationFilter> {
    let rule = |name: &str, value: &str| {
        let rule = FilterRule::builder().name(FilterRuleName::from(name)).value(value).build();
        (!value.is_empty()).then_some(rule)
    };
    // As S3 spells them in its answers.
    let rules: Vec<_> =
        [rule("Prefix", prefix), rule("Suffix", suffix)].into_iter().flatten().collect();
    let key = S3KeyFilter::builder().set_filter_rules(Some(rules.clone())).build();
    let filter = NotificationConfigurationFilter::builder().key(key).build();
    (!rules.is_empty()).then_some(filter)
}

fn queue(
    name: &str,
    arn: &str,
    events: &[&str],
    filter: Option<NotificationConfigurationFilter>,
) -> QueueConfiguration {
    let events = events.iter().map(|&event| Event::from(event)).collect();
    let queue = QueueConfiguration::builder().id(name).queue_arn(arn).set_events(Some(events));
    queue.set_filter(filter).build().unwrap()
}

fn topic(events: &[&str], filter: Option<NotificationConfigurationFilter>) -> TopicConfiguration {
    let events = events.iter().map(|&event| Event::from(event)).collect();
    let topic = TopicConfiguration::builder().topic_arn(TOPIC).set_events(Some(events));
    topic.id("uploads").set_filter(filter).build().unwrap()
}

fn of_queue(queue: QueueConfiguration) -> NotificationConfiguration {
    NotificationConfiguration::builder().queue_configurations(queue).build()
}

#[test]
fn an_empty_bucket_gets_our_part_and_loses_it_again() {
    let empty = NotificationConfiguration::builder().build();
    let after = with(&empty, &wish()).unwrap();
    insta::assert_snapshot!(difference(&empty, &after), @r"
    --- as it is
    +++ as it would be
    + queue arn:aws:sqs:eu-west-1:111122223333:trail-logs
    +   id      deltrail-6c723697f4cc2ac7
    +   event   s3:LifecycleExpiration:*
    +   event   s3:ObjectRemoved:*
    +   prefix  images/
    ");
    assert_eq!(without(&after, QUEUE, None), empty);
    assert_eq!(without(&after, QUEUE, Some("images/")), empty);
    assert_eq!(without(&after, QUEUE, Some("other/")), after);
    assert_eq!(without(&after, OTHER_QUEUE, None), after);
}

#[test]
fn what_is_told_already_is_not_told_twice() {
    let by_hand = of_queue(queue(
        "by-hand",
        QUEUE,
        &["s3:ObjectRemoved:*", "s3:LifecycleExpiration:*"],
        None,
    ));
    assert_eq!(with(&by_hand, &wish()).unwrap(), by_hand);
    assert_eq!(without(&by_hand, QUEUE, None), by_hand, "it is not ours");
    let ours = with(&NotificationConfiguration::builder().build(), &wish()).unwrap();
    assert!(is_same(&with(&ours, &wish()).unwrap(), &ours));
}

#[test]
fn a_wish_for_other_events_takes_the_place_of_the_one_before() {
    let before = with(&NotificationConfiguration::builder().build(), &wish()).unwrap();
    let more = Wish { events: vec!["s3:ObjectCreated:*".to_owned()], ..wish() };
    let after = with(&before, &more).unwrap();
    let entries = listed(&after);
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0].events, more.events);
}

#[test]
fn an_event_of_a_key_is_told_by_one_configuration_alone() {
    let refused = |configuration: &NotificationConfiguration| {
        with(configuration, &wish()).unwrap_err().to_string()
    };
    let same = of_queue(queue("all", OTHER_QUEUE, &["s3:ObjectRemoved:Delete"], None));
    let told = refused(&same);
    let entry = r#"queue arn:aws:sqs:eu-west-1:111122223333:thumbnails of s3:ObjectRemoved:* already
 for all keys (configuration "all"), and S3 lets one configuration alone tell"#;
    assert!(told.starts_with(&format!("the bucket tells {}", entry.replace('\n', ""))), "{told}");
    let deeper = filter("images/2026/", ".jpg");
    let to_topic = NotificationConfiguration::builder()
        .topic_configurations(topic(&["s3:LifecycleExpiration:*"], deeper))
        .build();
    let told = refused(&to_topic);
    assert!(
        told.contains(r#"of s3:LifecycleExpiration:* already for keys "images/2026/"...".jpg""#),
        "{told}"
    );
    let wider = NotificationConfiguration::builder()
        .topic_configurations(topic(&["s3:ObjectRemoved:*"], filter("im", "")))
        .build();
    assert!(refused(&wider).contains(r#"begin with "im""#));
}

#[test]
fn what_does_not_overlap_stands_beside_it() {
    let bridge = EventBridgeConfiguration::builder().build();
    let others = NotificationConfiguration::builder()
        .queue_configurations(queue("created", OTHER_QUEUE, &["s3:ObjectCreated:*"], None))
        .topic_configurations(topic(&["s3:ObjectRemoved:*"], filter("videos/", "")))
        .event_bridge_configuration(bridge)
        .build();
    let after = with(&others, &wish()).unwrap();
    assert_eq!(listed(&after).len(), 4);
    let jpg = Wish { suffix: ".jpg".to_owned(), ..wish() };
    let png = of_queue(queue("png", OTHER_QUEUE, &["s3:ObjectRemoved:*"], filter("", ".png")));
    assert!(with(&png, &jpg).is_ok());
}

#[test]
fn a_bucket_has_a_hundred_configurations_at_most() {
    let many = (0..100).map(|number| {
        let keys = filter(&format!("folder-{number:03}/"), "");
        queue(&format!("q{number}"), OTHER_QUEUE, &["s3:ObjectRemoved:*"], keys)
    });
    let full =
        NotificationConfiguration::builder().set_queue_configurations(Some(many.collect())).build();
    assert_eq!(with(&full, &wish()).unwrap_err(), Refused::TooMany);
}

#[test]
fn elements_that_could_not_be_sent_back_are_seen() {
    let known = r#"<?xml version="1.0" encoding="UTF-8"?>
        <NotificationConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
        <QueueConfiguration>
        <Id>a&lt;b</Id><Queue>q</Queue><Event>s3:ObjectCreated:*</Event><Filter><S3Key><FilterRule>
        <Name>Prefix</Name><Value/></FilterRule></S3Key></Filter></QueueConfiguration>
        <EventBridgeConfiguration/></NotificationConfiguration>"#;
    assert_eq!(unknown_elements(known), Vec::<String>::new());
    let newer = known.replace("<S3Key>", "<x:Tags><Tag a='1'>t</Tag></x:Tags><S3Key>");
    assert_eq!(unknown_elements(&newer), ["Tags", "Tag"]);
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let kinds = [
        "s3:ObjectCreated:*",
        "s3:ObjectCreated:Put",
        "s3:ObjectRemoved:*",
        "s3:ObjectRemoved:Delete",
        "s3:ObjectTagging:*",
        "s3:LifecycleExpiration:*",
        "s3:New:Kind",
    ];
    proptest::sample::subsequence(kinds.to_vec(), 1..4)
        .prop_map(|kinds| kinds.into_iter().map(Event::from).collect())
}

fn filters() -> impl Strategy<Value = Option<NotificationConfigurationFilter>> {
    ("[ab]{0,2}", "[.x]{0,2}").prop_map(|(prefix, suffix)| filter(&prefix, &suffix))
}

fn names() -> impl Strategy<Value = Option<String>> {
    proptest::option::of("(deltrail-)?[a-z0-9]{1,8}")
}

/// What others may have made: it need not be valid together.
fn configurations() -> impl Strategy<Value = NotificationConfiguration> {
    let arn = |kind: &'static str| {
        "[a-c]".prop_map(move |name| format!("arn:aws:{kind}:eu-west-1:1:{name}"))
    };
    let queues = (names(), prop_oneof![arn("sqs"), Just(QUEUE.to_owned())], events(), filters());
    let queues = queues.prop_map(|(name, arn, events, filter)| {
        let queue = QueueConfiguration::builder().set_id(name).queue_arn(arn);
        queue.set_events(Some(events)).set_filter(filter).build().unwrap()
    });
    let topics =
        (names(), arn("sns"), events(), filters()).prop_map(|(name, arn, events, filter)| {
            let topic = TopicConfiguration::builder().set_id(name).topic_arn(arn);
            topic.set_events(Some(events)).set_filter(filter).build().unwrap()
        });
    let functions = (names(), events(), filters()).prop_map(|(name, events, filter)| {
        let function = LambdaFunctionConfiguration::builder().set_id(name);
        let function = function.lambda_function_arn(FUNCTION).set_events(Some(events));
        function.set_filter(filter).build().unwrap()
    });
    let few = |length| 0..length;
    (
        proptest::collection::vec(queues, few(4)),
        proptest::collection::vec(topics, few(3)),
        proptest::collection::vec(functions, few(3)),
        any::<bool>(),
    )
        .prop_map(|(queues, topics, functions, has_bridge)| {
            let bridge = has_bridge.then(|| EventBridgeConfiguration::builder().build());
            let some = |length: usize| length > 0;
            NotificationConfiguration::builder()
                .set_queue_configurations(Some(queues).filter(|it| some(it.len())))
                .set_topic_configurations(Some(topics).filter(|it| some(it.len())))
                .set_lambda_function_configurations(Some(functions).filter(|it| some(it.len())))
                .set_event_bridge_configuration(bridge)
                .build()
        })
}

proptest! {
    #[test]
    fn others_keep_what_they_configured_whatever_is_attached_and_detached(
        before in configurations(), events in events(),
        prefix in "[ab]{0,2}", suffix in "[.x]{0,2}",
    ) {
        let events = events.iter().map(|event| event.as_str().to_owned()).collect();
        let wish = Wish { queue_arn: QUEUE.to_owned(), events, prefix, suffix };
        if let Ok(after) = with(&before, &wish) {
            let mut kept = after.clone();
            let name = wish.name();
            let queues = kept.queue_configurations.take().unwrap_or_default();
            let (ours, others): (Vec<_>, Vec<_>) =
                queues.into_iter().partition(|it| it.id.as_deref() == Some(name.as_str()));
            prop_assert!(ours.len() <= 1);
            kept.queue_configurations = Some(others).filter(|it| !it.is_empty());
            // Equal as they are, not only in meaning: order, spelling and absence of members too.
            prop_assert_eq!(&kept, &before);
            prop_assert_eq!(&without(&after, QUEUE, None), &before);
            prop_assert_eq!(difference(&before, &after).contains("\n- "), false);
            prop_assert!(listed(&after).iter().any(|entry| entry.fulfils(&wish)));
        }
        // A random name is never the one that we would give.
        prop_assert_eq!(&without(&before, QUEUE, None), &before);
    }
}
