//! What the table of leases asks for and when, with times as values.

use super::*;

const VISIBILITY: Duration = Duration::from_secs(30);
const DAY: Duration = Duration::from_hours(24);

fn entry(number: usize) -> Entry {
    Entry { message_id: format!("m{number}"), receipt_handle: format!("handle-{number}") }
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A delivery of a message that was sent at that many milliseconds, received now.
fn delivery(number: usize, visibility: Duration, now: Instant) -> Delivery {
    let sent_at_millis = i64::try_from(number).ok();
    Delivery { entry: entry(number), sent_at_millis, visibility, limit: now + DAY }
}

fn holding(count: usize, limit: Duration) -> (Table, Vec<CancellationToken>, Instant) {
    let now = Instant::now();
    let mut table = Table::default();
    let held = |number| Delivery { limit: now + limit, ..delivery(number, VISIBILITY, now) };
    let over = (0..count).map(|number| table.hold(held(number), now).1).collect();
    (table, over, now)
}

fn refusal(index: usize, code: &str) -> EntryFailure {
    EntryFailure {
        index,
        entry: entry(index),
        code: code.to_owned(),
        message: String::new(),
        sender_fault: false,
        lease_lost: false,
        beyond_limit: false,
    }
}

/// Answers a call about all that is due, and gives what was asked for.
fn answer(table: &mut Table, failures: Vec<EntryFailure>, now: Instant) -> (Vec<Ask>, Vec<News>) {
    let asks = table.take_due(now);
    let news = table.answered(&asks, now, Ok(failures), now);
    (asks, news)
}

#[test]
fn a_message_is_extended_at_every_third_of_its_timeout() {
    let (mut table, over, start) = holding(1, DAY);
    for third in 1..=100 {
        let due = start + seconds(10) * third;
        assert_eq!(table.sleep(true), Some(due));
        assert!(!table.is_due(due - seconds(1)));
        let (asks, news) = answer(&mut table, Vec::new(), due);
        assert_eq!((asks.len(), asks[0].time), (1, VISIBILITY));
        assert_eq!(news, [News::Extended]);
        assert_eq!(table.expire(due), []);
    }
    assert!(!over[0].is_cancelled());
}

#[test]
fn calls_are_full_and_what_is_soon_due_goes_along() {
    let (mut table, _over, start) = holding(23, DAY);
    let later = start + seconds(2);
    table.hold(delivery(99, VISIBILITY, start), later);
    let due = start + seconds(10);
    let sizes: Vec<usize> = (0..4).map(|_| table.take_due(due).len()).collect();
    assert_eq!(sizes, [10, 10, 4, 0]);
    assert!(!table.is_due(due + DAY), "each is asked for in one call at a time");
}

#[test]
fn an_entry_that_fails_for_now_is_tried_again_before_the_lease_ends() {
    let (mut table, over, start) = holding(3, DAY);
    let due = start + seconds(10);
    let (_, news) = answer(&mut table, vec![refusal(1, "InternalError")], due);
    let failed = News::NotExtended("InternalError".to_owned());
    assert_eq!(news, [News::Extended, failed, News::Extended]);
    let (asks, news) = answer(&mut table, Vec::new(), due + seconds(3));
    assert_eq!((asks.len(), &asks[0].entry), (1, &entry(1)));
    assert_eq!(news, [News::Extended]);
    assert!(over.iter().all(|over| !over.is_cancelled()));
}

#[test]
fn a_refusal_that_is_final_ends_the_work_of_that_message_alone() {
    for is_of_handle in [true, false] {
        let (mut table, over, start) = holding(3, DAY);
        let refused = EntryFailure {
            lease_lost: is_of_handle,
            sender_fault: true,
            ..refusal(1, "ReceiptHandleIsInvalid")
        };
        let (_, news) = answer(&mut table, vec![refused], start + seconds(10));
        let loss = Loss::Refused("ReceiptHandleIsInvalid".to_owned());
        assert_eq!(news[1], News::Lost { entry: entry(1), loss });
        let cancelled: Vec<bool> = over.iter().map(CancellationToken::is_cancelled).collect();
        assert_eq!(cancelled, [false, true, false]);
    }
}

#[test]
fn what_is_not_extended_in_time_is_lost() {
    let (mut table, over, start) = holding(1, DAY);
    let mut now = start;
    let mut news = Vec::new();
    while let Some(at) = table.sleep(true) {
        now = at;
        news.extend(table.expire(now));
        let asks = table.take_due(now);
        let refused = (0..asks.len()).map(|index| refusal(index, "InternalError")).collect();
        table.answered(&asks, now, Ok(refused), now);
    }
    assert_eq!(news, [News::Lost { entry: entry(0), loss: Loss::RanOut }]);
    assert_eq!(now, start + VISIBILITY);
    assert!(over[0].is_cancelled());
}

#[test]
fn nothing_is_asked_beyond_the_limit_and_the_message_is_let_go_there() {
    let (mut table, over, start) = holding(1, seconds(95));
    let limit = start + seconds(95);
    let mut news = Vec::new();
    while let Some(at) = table.sleep(true) {
        news.extend(table.expire(at));
        let (asks, more) = answer(&mut table, Vec::new(), at);
        assert!(asks.iter().all(|ask| at + ask.time <= limit), "{asks:?}");
        news.extend(more);
    }
    let lost = News::Lost { entry: entry(0), loss: Loss::AtLimit };
    assert_eq!(news.last(), Some(&lost));
    assert!(over[0].is_cancelled());
    let extended = news.iter().filter(|news| **news == News::Extended).count();
    assert_eq!(extended, 7, "at 10, 20 ... 60, and at 70 for the last time");
}

#[test]
fn a_limit_that_sqs_tells_is_kept() {
    let (mut table, over, start) = holding(1, DAY);
    let refused = EntryFailure {
        beyond_limit: true,
        sender_fault: true,
        ..refusal(0, "InvalidParameterValue")
    };
    let (_, news) = answer(&mut table, vec![refused], start + seconds(10));
    assert_eq!(news, []);
    assert_eq!(table.sleep(true), Some(start + VISIBILITY), "no further call");
    assert!(!over[0].is_cancelled(), "it is still invisible");
    let lost = News::Lost { entry: entry(0), loss: Loss::AtLimit };
    assert_eq!(table.expire(start + VISIBILITY), [lost]);
}

#[test]
fn a_message_that_is_returned_is_asked_for_once_and_then_forgotten() {
    let (mut table, over, start) = holding(2, DAY);
    table.give_back(1, seconds(40), start);
    table.give_back(2, Duration::ZERO, start);
    table.let_go(2);
    let (asks, news) = answer(&mut table, Vec::new(), start + GATHER);
    let times: Vec<Duration> = asks.iter().map(|ask| ask.time).collect();
    assert_eq!(times, [seconds(40), Duration::ZERO]);
    assert_eq!(news, [News::Returned(seconds(40)), News::Returned(Duration::ZERO)]);
    assert!(over.iter().all(CancellationToken::is_cancelled));
    assert_eq!(table.sleep(true), None);
}

#[test]
fn a_return_waits_for_the_extension_that_is_under_way() {
    let (mut table, over, start) = holding(1, DAY);
    let due = start + seconds(10);
    let extension = table.take_due(due);
    table.give_back(1, seconds(5), due);
    assert_eq!(table.take_due(due + seconds(1)), []);
    let news = table.answered(&extension, due, Ok(Vec::new()), due + seconds(1));
    assert_eq!(news, [News::Extended]);
    assert!(!over[0].is_cancelled());
    let (asks, news) = answer(&mut table, Vec::new(), due + seconds(1));
    assert_eq!((asks[0].time, news), (seconds(5), vec![News::Returned(seconds(5))]));
}

#[test]
fn a_return_that_fails_is_tried_until_the_lease_ends() {
    let (mut table, over, start) = holding(1, DAY);
    table.give_back(1, seconds(5), start);
    let failed = vec![refusal(0, "InternalError")];
    let (_, news) = answer(&mut table, failed, start + GATHER);
    assert_eq!(news, [News::NotExtended("InternalError".to_owned())]);
    assert!(table.is_due(start + seconds(3)) && !over[0].is_cancelled());
    let news = table.expire(start + VISIBILITY);
    assert!(matches!(news[..], [News::NotReturned { .. }]), "{news:?}");
    assert!(over[0].is_cancelled());
}

#[test]
fn a_refusal_while_the_message_is_deleted_is_no_loss() {
    let (mut table, over, start) = holding(1, DAY);
    table.settle(1);
    let gone = EntryFailure { lease_lost: true, ..refusal(0, "ReceiptHandleIsInvalid") };
    let (asks, news) = answer(&mut table, vec![gone], start + seconds(10));
    assert_eq!(asks.len(), 1, "it is extended until it is known to be deleted");
    assert_eq!(news, []);
    assert!(!over[0].is_cancelled());
    assert_eq!(table.expire(start + VISIBILITY), []);
}

#[test]
fn what_is_let_go_is_asked_for_no_more() {
    let (mut table, over, start) = holding(1, DAY);
    table.let_go(1);
    assert!(over[0].is_cancelled());
    assert_eq!(table.sleep(true), None);
    assert!(!table.is_due(start + DAY));
}

#[test]
fn only_what_is_due_before_the_next_look_wakes() {
    let (mut table, _over, start) = holding(1, DAY);
    table.sleep(true);
    assert!(!table.hold(delivery(7, VISIBILITY, start), start + seconds(1)).2);
    assert!(table.hold(delivery(8, seconds(3), start), start + seconds(1)).2);
}

#[test]
fn the_oldest_message_is_among_those_that_are_held_or_come_again() {
    let (mut table, _over, start) = holding(4, DAY);
    let oldest = |table: &mut Table, at| table.oldest_sent_at_millis(at);
    assert_eq!(oldest(&mut table, start), Some(0));
    table.deleted(1);
    assert_eq!(oldest(&mut table, start), Some(1));
    table.give_back(2, seconds(300), start);
    answer(&mut table, Vec::new(), start + GATHER);
    table.deleted(3);
    assert_eq!(oldest(&mut table, start + seconds(299)), Some(1), "it comes again");
    let (again, _, _) = table.hold(delivery(1, VISIBILITY, start), start + seconds(300));
    assert_eq!(oldest(&mut table, start + seconds(300)), Some(1));
    table.deleted(again);
    assert_eq!(oldest(&mut table, start + seconds(300)), Some(3));
    table.let_go(4);
    assert_eq!(oldest(&mut table, start + seconds(89)), Some(3));
    assert_eq!(oldest(&mut table, start + seconds(90)), None, "somebody else has it");
}
