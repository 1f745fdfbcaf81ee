//! Quiet queues, and what is said about them when.

use super::*;

const START: Duration = Duration::ZERO;
const EMPTY: Look = Look { messages: 0, in_flight: 0, held: 0, received: 0 };

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn begun() -> Hints {
    Hints::new(START, START)
}

/// The hints of looks every 30 s until `end` seconds, each with its second.
fn looks(hints: &mut Hints, look: Look, from: u64, end: u64) -> Vec<(u64, Hint)> {
    (from..=end).step_by(30).filter_map(|at| Some((at, hints.looked(look, seconds(at))?))).collect()
}

#[test]
fn a_queue_on_which_nothing_arrives_is_told_after_a_minute_and_warned_of_after_fifteen() {
    let told = looks(&mut begun(), EMPTY, 0, 7200);
    assert_eq!(told, [(60, Hint::NothingYet), (900, Hint::NothingForLong)]);
    assert!(!told[0].1.is_warning() && told[1].1.is_warning());
}

#[test]
fn a_queue_on_which_something_arrived_is_not_spoken_of_again() {
    let mut hints = begun();
    hints.arrived(Arrival::News, seconds(50));
    assert_eq!(looks(&mut hints, EMPTY, 60, 7200), []);
}

#[test]
fn only_the_test_message_is_told_from_its_arrival_on() {
    let mut hints = begun();
    hints.arrived(Arrival::TestEvent, seconds(45));
    hints.arrived(Arrival::TestEvent, seconds(80));
    let told = looks(&mut hints, EMPTY, 60, 3600);
    assert_eq!(told, [(120, Hint::TestOnlyYet), (960, Hint::TestOnlyForLong)]);
}

#[test]
fn a_test_message_after_news_asks_for_news_again() {
    let mut hints = begun();
    hints.arrived(Arrival::TestEvent, START);
    hints.arrived(Arrival::News, seconds(20));
    assert_eq!(looks(&mut hints, EMPTY, 30, 3600), []);
    hints.arrived(Arrival::TestEvent, seconds(3600));
    assert_eq!(looks(&mut hints, EMPTY, 3630, 3700), [(3660, Hint::TestOnlyYet)]);
}

#[test]
fn a_queue_that_cannot_be_received_from_is_not_called_quiet() {
    let mut hints = begun();
    hints.deaf(seconds(870));
    assert_eq!(looks(&mut hints, EMPTY, 900, 960), [(930, Hint::NothingYet)]);
}

#[test]
fn a_queue_that_holds_messages_is_not_called_quiet() {
    let waiting = Look { messages: 3, ..EMPTY };
    assert_eq!(looks(&mut begun(), waiting, 0, 3600), []);
}

#[test]
fn messages_in_other_hands_are_told_at_the_third_look_and_once() {
    let taken = Look { messages: 9, in_flight: 7, held: 2, received: 0 };
    let mut hints = begun();
    hints.arrived(Arrival::News, START);
    assert_eq!(looks(&mut hints, taken, 0, 3600), [(60, Hint::OtherConsumer(5))]);
    assert_eq!(looks(&mut hints, EMPTY, 3630, 3630), []);
    assert_eq!(looks(&mut hints, taken, 3660, 3800), [(3720, Hint::OtherConsumer(5))]);
}

#[test]
fn messages_that_this_process_holds_or_has_just_settled_are_its_own() {
    let mut hints = begun();
    let all_held = Look { messages: 7, in_flight: 7, held: 7, received: 7 };
    assert_eq!(looks(&mut hints, all_held, 0, 300), []);
    for look in 1..=20 {
        let busy = Look { messages: 40, in_flight: 40, held: 0, received: 7 + 40 * look };
        assert_eq!(hints.looked(busy, seconds(300 + 30 * look)), None);
    }
}

#[test]
fn messages_that_this_process_let_go_are_not_called_foreign_while_they_are_hidden() {
    let hidden = Look { messages: 1, in_flight: 1, held: 0, received: 0 };
    let mut hints = Hints::new(START, seconds(30));
    hints.let_go(seconds(600));
    hints.let_go(seconds(90));
    assert_eq!(looks(&mut hints, hidden, 0, 599), []);
    assert_eq!(looks(&mut hints, hidden, 600, 900), [(660, Hint::OtherConsumer(1))]);
}

#[test]
fn every_hint_says_what_it_may_be_and_where_to_look() {
    let hints = [
        Hint::NothingYet,
        Hint::NothingForLong,
        Hint::TestOnlyYet,
        Hint::TestOnlyForLong,
        Hint::OtherConsumer(4),
    ];
    let buckets = ["trail-logs".to_owned()];
    let told = hints.map(|hint| hint.about("trail", &buckets).to_string()).join("\n");
    insta::assert_snapshot!(told, @r#"
    nothing has arrived on queue trail yet, which is normal at first: CloudTrail writes about every five minutes; if nothing comes within 15 minutes, check that the event notification of the log bucket names this queue (aws s3api get-bucket-notification-configuration --bucket trail-logs), and that the policy of the queue lets s3.amazonaws.com send to it
    nothing has arrived on queue trail for 15 minutes; if objects were deleted meanwhile, check that the event notification of the log bucket names this queue (aws s3api get-bucket-notification-configuration --bucket trail-logs), and that the policy of the queue lets s3.amazonaws.com send to it
    only the test message of S3 has arrived on queue trail, so the notification works: CloudTrail writes about every five minutes; if nothing else comes within 15 minutes, check that the trail is logging (aws cloudtrail get-trail-status --name TRAIL), records S3 data events, and writes to the log bucket trail-logs
    only the test message of S3 has arrived on queue trail, and nothing else for 15 minutes: the notification works; if objects were deleted meanwhile, check that the trail is logging (aws cloudtrail get-trail-status --name TRAIL), records S3 data events, and writes to the log bucket trail-logs
    somebody else receives from queue trail: 4 of its messages in flight are not held here, and what they report is missing here; give deltrail a queue of its own, or stop the other consumer (another deltrail with the same store is fine, and what an earlier run held may count for up to 15 minutes)
    "#);
}

#[test]
fn without_a_named_log_bucket_a_word_stands_for_it() {
    let told = Hint::NothingYet.about("trail", &[]).to_string();
    assert!(told.contains("--bucket LOG-BUCKET)"), "{told}");
}
