//! The way of a log object from its bucket to the daemon, and each part of it spoiled.

use super::*;

#[test]
fn a_queue_that_may_not_be_looked_at_is_unknown_with_the_action_that_is_missing() {
    let spoiled = spoiled(|seen| {
        seen.queues[0].settings = Err(denied("sqs:GetQueueAttributes", "queue trail-logs"));
    });
    assert!(spoiled.iter().all(|check| check.verdict.state == State::Unknown), "{spoiled:#?}");
    for check in spoiled {
        assert!(check.verdict.remedy.unwrap().contains("allow sqs:GetQueueAttributes"));
    }
}

#[test]
fn a_queue_that_is_not_there_fails() {
    let asked = Asked { action: "sqs:GetQueueAttributes", resource: "queue q".to_owned() };
    let refusal = Refusal::Absent { asked, detail: "HTTP 400".to_owned() };
    let spoiled = spoiled(|seen| seen.queues[0].settings = Err(refusal));
    assert_eq!((spoiled[0].name, spoiled[0].verdict.state), ("queue", State::Fail));
}

#[test]
fn queues_are_looked_at_with_the_eyes_of_the_daemon() {
    let (name, state, said) = one(|seen| {
        settings(seen).redrive = None;
        seen.queues[0].dead_letters = None;
    });
    assert_eq!((name, state), ("redrive_policy", State::Warn));
    assert!(said.contains("deadLetterTargetArn"), "{said}");
    let few = |seen: &mut Seen| {
        settings(seen).redrive.as_mut().unwrap().max_receive_count = Some(1);
    };
    assert_eq!(one(few).0, "redrive_policy");
    let (name, state, _) = one(|seen| seen.queues[0].dead_letters = Some(Ok(Some(3))));
    assert_eq!((name, state), ("dead_letter_queue", State::Warn));
    let refusal = denied("sqs:GetQueueUrl", "dead-letter queue");
    let (name, state, said) = one(|seen| seen.queues[0].dead_letters = Some(Err(refusal)));
    assert_eq!((name, state), ("dead_letter_queue", State::Unknown));
    assert!(said.contains("allow sqs:GetQueueUrl"), "{said}");
    for seconds in [5, 3_600] {
        let timeout = Some(Duration::from_secs(seconds));
        let (name, state, _) = one(|seen| settings(seen).visibility_timeout = timeout);
        assert_eq!((name, state), ("visibility_timeout", State::Warn));
    }
    let short = Some(Duration::from_hours(6));
    assert_eq!(one(|seen| settings(seen).retention = short).0, "message_retention");
    let key = |id: &str| {
        let id = Some(id.to_owned());
        let (name, state, _) = one(|seen| settings(seen).kms_key_id = id);
        (name, state)
    };
    assert_eq!(key("alias/aws/sqs"), ("queue_key", State::Fail));
    assert_eq!(key("alias/ours"), ("queue_key", State::Unknown));
    let open =
        r#"{"Statement":{"Effect":"Allow","Principal":"*","Action":"sqs:*","Resource":"*"}}"#;
    let (name, state, said) = one(|seen| settings(seen).policy = Some(open.to_owned()));
    assert_eq!((name, state), ("queue_policy_scope", State::Warn));
    assert!(said.contains("everybody"), "{said}");
}

#[test]
fn a_bucket_that_the_queue_does_not_let_send_fails_with_the_statement() {
    let other = policy("s3.amazonaws.com", "arn:aws:s3:::other");
    let (name, state, said) = one(|seen| settings(seen).policy = Some(other));
    assert_eq!((name, state), ("queue_policy", State::Fail));
    assert!(said.contains(r#""aws:SourceArn": "arn:aws:s3:::trail-logs""#), "{said}");
    assert!(said.contains(r#""aws:SourceAccount": "111122223333""#), "{said}");
    let odd = r#"{"Statement":{"Effect":"Allow","Principal":"*","Action":"sqs:SendMessage",
        "Resource":"*","Condition":{"StringEquals":{"aws:SourceOrgID":"o-1"}}}}"#;
    let (name, state, said) = one(|seen| settings(seen).policy = Some(odd.to_owned()));
    assert_eq!((name, state), ("queue_policy", State::Unknown));
    assert!(said.contains("aws:SourceOrgID"), "{said}");
}

#[test]
fn a_log_bucket_may_be_of_another_account_than_the_caller() {
    let owner = "999900001111";
    let of_owner = |seen: &mut Seen| {
        let statement =
            statement_to_send("s3.amazonaws.com", "arn:aws:s3:::trail-logs", Some(owner), QUEUE);
        settings(seen).policy = Some(format!(r#"{{"Statement":{statement}}}"#));
    };
    let (name, state, said) = one(of_owner);
    assert_eq!((name, state), ("queue_policy", State::Unknown));
    assert!(said.contains("aws:SourceAccount"), "{said}");
    let told = spoiled(|seen| {
        of_owner(seen);
        seen.log_bucket_owner = Some(owner.to_owned());
    });
    assert_eq!(told, []);
    let (_, state, _) = one(|seen| seen.log_bucket_owner = Some(owner.to_owned()));
    assert_eq!(state, State::Fail, "the policy is for the caller's account");
}

#[test]
fn a_bucket_that_tells_no_queue_of_ours_fails_with_the_command() {
    let wrong_kind = |entry: Listed| Listed { events: vec!["s3:ObjectRemoved:*".into()], ..entry };
    let wrong_keys =
        |entry: Listed| Listed { filters: vec![("suffix".into(), ".csv".into())], ..entry };
    let ours = to(Target::Queue, QUEUE);
    for entries in [vec![], vec![wrong_kind(ours.clone())], vec![wrong_keys(ours)]] {
        let (name, state, said) = one(|seen| inside(seen).notifications = Ok(entries));
        assert_eq!((name, state), ("notification", State::Fail));
        assert!(said.contains("deltrail attach --bucket trail-logs --queue-arn arn:"), "{said}");
    }
    let other = vec![to(Target::Queue, "arn:aws:sqs:eu-west-1:111122223333:other")];
    let (_, state, said) = one(|seen| inside(seen).notifications = Ok(other));
    assert_eq!(state, State::Fail);
    assert!(said.starts_with("it tells others"), "{said}");
}

#[test]
fn a_prefix_of_the_notification_has_to_meet_that_of_the_logs() {
    let with = |of_entry: &str, of_logs: &str| {
        let mut entry = to(Target::Queue, QUEUE);
        entry.filters.push(("prefix".to_owned(), of_entry.to_owned()));
        let spoiled = spoiled(|seen| {
            of_logs.clone_into(&mut seen.log_buckets[0].prefix);
            of_logs.clone_into(&mut seen.trails[0].prefix);
            inside(seen).notifications = Ok(vec![entry]);
        });
        spoiled.is_empty()
    };
    assert!(with("AWSLogs/", "") && with("org/AWSLogs/", "org") && with("org/", "org"));
    assert!(!with("organisation/", "org") && !with("other/", "org"));
}

#[test]
fn a_topic_between_bucket_and_queue_is_followed() {
    let through = |seen: &mut Seen, queues: Result<Vec<String>, Refusal>| {
        settings(seen).policy = Some(policy("sns.amazonaws.com", TOPIC));
        inside(seen).notifications = Ok(vec![to(Target::Topic, TOPIC)]);
        inside(seen).subscribers = BTreeMap::from([(TOPIC.to_owned(), queues)]);
    };
    assert_eq!(spoiled(|seen| through(seen, Ok(vec![QUEUE.to_owned()]))), []);
    let (name, state, said) = one(|seen| through(seen, Ok(vec![])));
    assert_eq!((name, state), ("notification", State::Fail));
    assert!(said.contains("subscribe the queue to that topic"), "{said}");
    let refusal = denied("sns:ListSubscriptionsByTopic", TOPIC);
    let (name, state, said) = one(|seen| through(seen, Err(refusal)));
    assert_eq!((name, state), ("notification", State::Unknown));
    assert!(said.contains("allow sns:ListSubscriptionsByTopic"), "{said}");
    // The trail's own topic leads there too.
    let of_trail = |seen: &mut Seen| {
        through(seen, Ok(vec![QUEUE.to_owned()]));
        inside(seen).notifications = Ok(Vec::new());
        seen.trails[0].topic_arn = Some(TOPIC.to_owned());
    };
    assert_eq!(spoiled(of_trail), []);
}

#[test]
fn what_a_rule_of_eventbridge_does_is_not_guessed() {
    let bridge = Listed { events: vec![], filters: vec![], ..to(Target::EventBridge, "") };
    let told = spoiled(|seen| {
        inside(seen).notifications = Ok(vec![bridge]);
        settings(seen).policy =
            Some(policy("events.amazonaws.com", "arn:aws:events:eu-west-1:111122223333:rule/r"));
    });
    let states: Vec<_> = told.iter().map(|check| (check.name, check.verdict.state)).collect();
    let unknown = [("notification", State::Unknown), ("queue_policy", State::Unknown)];
    assert_eq!(states, unknown, "{told:#?}");
    assert!(told[0].verdict.remedy.as_deref().unwrap().contains("list-rule-names-by-target"));
}

#[test]
fn a_log_object_that_cannot_be_read_fails_with_the_action_and_the_key() {
    let set = |seen: &mut Seen, read| {
        inside(seen).newest.as_mut().unwrap().as_mut().unwrap().read = read;
    };
    let refusal = denied("s3:GetObject", "s3://trail-logs/a");
    let (name, state, said) = one(|seen| set(seen, Err(refusal)));
    assert_eq!((name, state), ("log_object", State::Fail));
    assert!(said.contains("allow s3:GetObject"), "{said}");
    let asked = Asked { action: "s3:GetObject", resource: "s3://trail-logs/a".to_owned() };
    let detail = "HTTP 403 AccessDenied: not authorized to perform: kms:Decrypt".to_owned();
    let (_, state, said) = one(|seen| set(seen, Err(Refusal::Denied { asked, detail })));
    assert_eq!(state, State::Fail);
    assert!(said.contains("allow kms:Decrypt"), "{said}");

    let (name, state, _) = one(|seen| inside(seen).newest = Ok(None));
    assert_eq!((name, state), ("log_object", State::Warn));
    let refusal = denied("s3:ListBucket", "bucket trail-logs");
    let (name, state, _) = one(|seen| inside(seen).newest = Err(refusal));
    assert_eq!((name, state), ("log_object", State::Unknown));

    let key = |seen: &mut Seen, state: &str| {
        let key = KeyState { arn: "arn:aws:kms:eu-west-1:1:key/1".into(), state: state.into() };
        inside(seen).key = Some(Ok(key));
        set(seen, Ok(Some("arn:aws:kms:eu-west-1:1:key/1".to_owned())));
    };
    assert_eq!(spoiled(|seen| key(seen, "Enabled")), []);
    let (name, state, said) = one(|seen| key(seen, "PendingDeletion"));
    assert_eq!((name, state), ("log_key", State::Fail));
    assert!(said.contains("enable-key"), "{said}");
}
