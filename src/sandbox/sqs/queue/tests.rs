//! The queue by itself, told the time by hand.

use super::*;

const MAX: usize = 10;
const TIMEOUT: Duration = Duration::from_secs(30);

/// `seconds` after noon on the pace; what is shown is ten days ahead of it.
fn at(seconds: i64) -> Moment {
    const NOON_MILLIS: i64 = 1_795_435_200_000;
    let paced = NOON_MILLIS + seconds * 1_000;
    Moment {
        shown: Timestamp::from_millis(paced + 864_000_000),
        paced: Timestamp::from_millis(paced),
    }
}

fn queue() -> Queue {
    Queue::new(1, QueueAttributes::default())
}

fn put(queue: &mut Queue, id: &str, now: Moment) {
    queue.put(Message::new(id.into(), format!("body of {id}"), now), Duration::ZERO, now);
}

fn receive(queue: &mut Queue, now: Moment) -> Vec<(Receipt, Message)> {
    queue.receive(MAX, TIMEOUT, None, now).messages
}

fn receive_one(queue: &mut Queue, now: Moment) -> (Receipt, Message) {
    let mut messages = receive(queue, now);
    assert_eq!(messages.len(), 1);
    messages.remove(0)
}

fn ids(messages: &[(Receipt, Message)]) -> Vec<&str> {
    messages.iter().map(|(_, message)| message.id.as_str()).collect()
}

#[test]
fn a_received_message_is_invisible_until_its_timeout_ends() {
    let mut queue = queue();
    put(&mut queue, "a", at(0));
    assert_eq!(ids(&receive(&mut queue, at(1))), ["a"]);
    assert_eq!(queue.next_visible_at(), Some(at(31).paced));
    assert_eq!(ids(&receive(&mut queue, at(30))), [""; 0]);

    let (_, message) = receive_one(&mut queue, at(31));
    assert_eq!(message.receive_count, 2);
    assert_eq!((message.sent, message.first_received), (at(0), Some(at(1))));
    assert_eq!(message.body, "body of a");
}

#[test]
fn no_more_messages_are_handed_out_than_asked_for_and_each_once() {
    let mut queue = queue();
    for id in ["a", "b", "c"] {
        put(&mut queue, id, at(0));
    }
    assert_eq!(ids(&queue.receive(2, TIMEOUT, None, at(0)).messages), ["a", "b"]);
    assert_eq!(queue.depth(at(0)), Depth { visible: 1, in_flight: 2, delayed: 0 });
    assert_eq!(ids(&receive(&mut queue, at(0))), ["c"]);
}

#[test]
fn a_deleted_message_never_comes_back() {
    let mut queue = queue();
    put(&mut queue, "a", at(0));
    let (receipt, _) = receive_one(&mut queue, at(0));
    queue.delete(receipt);
    assert_eq!(queue.depth(at(100)), Depth::default());
    assert!(queue.has_issued(receipt), "deleting again is a success");
    assert_eq!(queue.change_visibility(receipt, TIMEOUT, at(1)), Err(Unchanged::Stale));
}

#[test]
fn a_receipt_is_stale_once_the_message_is_received_again() {
    let mut queue = queue();
    put(&mut queue, "a", at(0));
    let (old, _) = receive_one(&mut queue, at(0));
    let (new, _) = receive_one(&mut queue, at(30));
    assert_ne!(old, new);

    queue.delete(old);
    assert_eq!(queue.depth(at(31)).in_flight, 1);
    assert_eq!(queue.change_visibility(old, TIMEOUT, at(31)), Err(Unchanged::Stale));
    queue.delete(new);
    assert_eq!(queue.depth(at(31)), Depth::default());
}

#[test]
fn a_message_whose_timeout_has_ended_can_be_deleted_and_not_extended() {
    let mut queue = queue();
    put(&mut queue, "a", at(0));
    let (receipt, _) = receive_one(&mut queue, at(0));
    assert_eq!(queue.change_visibility(receipt, TIMEOUT, at(30)), Err(Unchanged::NotInFlight));
    queue.delete(receipt);
    assert_eq!(queue.depth(at(30)), Depth::default());
}

#[test]
fn a_receipt_of_another_queue_is_unknown() {
    let (mut queue, mut other) = (queue(), Queue::new(2, QueueAttributes::default()));
    put(&mut queue, "a", at(0));
    put(&mut other, "b", at(0));
    let (receipt, _) = receive_one(&mut other, at(0));
    assert!(!queue.has_issued(receipt));
    let changed = queue.change_visibility(receipt, TIMEOUT, at(0));
    assert_eq!(changed, Err(Unchanged::UnknownReceipt));
    queue.delete(receipt);
    assert_eq!(queue.depth(at(0)).visible, 1);
}

#[test]
fn visibility_can_be_extended_shortened_and_given_up() {
    let mut queue = queue();
    put(&mut queue, "a", at(0));
    let (receipt, _) = receive_one(&mut queue, at(0));
    queue.change_visibility(receipt, Duration::from_mins(1), at(20)).expect("in flight");
    assert_eq!(queue.depth(at(79)).in_flight, 1);
    queue.change_visibility(receipt, Duration::from_secs(5), at(79)).expect("in flight");
    assert_eq!(queue.next_visible_at(), Some(at(84).paced));
    queue.change_visibility(receipt, Duration::ZERO, at(80)).expect("in flight");
    assert_eq!(queue.depth(at(80)), Depth { visible: 1, in_flight: 0, delayed: 0 });
}

#[test]
fn twelve_hours_after_the_first_receive_nothing_can_be_extended_further() {
    const TWELVE_HOURS: i64 = 43_200;
    let mut queue = queue();
    put(&mut queue, "a", at(0));
    let (receipt, _) = receive_one(&mut queue, at(10));
    let all = Duration::from_hours(12);
    assert_eq!(queue.change_visibility(receipt, all, at(11)), Err(Unchanged::BeyondMax));
    let rest = Duration::from_secs(43_199);
    queue.change_visibility(receipt, rest, at(11)).expect("up to the limit");
    assert_eq!(queue.depth(at(TWELVE_HOURS + 9)).in_flight, 1);
    assert_eq!(queue.depth(at(TWELVE_HOURS + 10)).visible, 1);
}

#[test]
fn a_message_received_too_often_leaves_the_queue_at_the_next_receive() {
    let mut queue = queue();
    put(&mut queue, "a", at(0));
    for time in [0, 30] {
        assert_eq!(queue.receive(MAX, TIMEOUT, Some(2), at(time)).messages.len(), 1);
    }
    assert_eq!(queue.depth(at(60)).visible, 1, "it only moves when somebody asks");
    put(&mut queue, "b", at(60));

    let received = queue.receive(1, TIMEOUT, Some(2), at(60));
    assert_eq!(ids(&received.messages), ["b"]);
    assert_eq!(received.dead.len(), 1);
    assert_eq!((received.dead[0].id.as_str(), received.dead[0].sent), ("a", at(0)));
    assert_eq!(queue.depth(at(60)), Depth { visible: 0, in_flight: 1, delayed: 0 });
}

#[test]
fn a_delayed_message_is_counted_apart_until_it_is_visible() {
    let mut queue = queue();
    let message = Message::new("a".into(), "body".into(), at(0));
    queue.put(message, Duration::from_secs(15), at(0));
    assert_eq!(queue.depth(at(14)), Depth { visible: 0, in_flight: 0, delayed: 1 });
    assert_eq!(ids(&receive(&mut queue, at(14))), [""; 0]);
    assert_eq!(queue.depth(at(15)), Depth { visible: 1, in_flight: 0, delayed: 0 });
    assert_eq!(ids(&receive(&mut queue, at(15))), ["a"]);
    assert_eq!(queue.depth(at(15)), Depth { visible: 0, in_flight: 1, delayed: 0 });
}

#[test]
fn a_message_is_dropped_when_its_retention_since_it_was_sent_ends() {
    let mut queue = queue();
    queue.attributes.retention = Duration::from_mins(2);
    put(&mut queue, "visible", at(0));
    put(&mut queue, "younger", at(60));
    // As a dead-letter queue takes in a message that was sent long before.
    queue.put(Message::new("older".into(), String::new(), at(-60)), Duration::ZERO, at(60));
    assert_eq!(queue.depth(at(60)).visible, 2);
    assert_eq!(ids(&receive(&mut queue, at(119))), ["visible", "younger"]);
    assert_eq!(queue.depth(at(120)), Depth { visible: 0, in_flight: 1, delayed: 0 });
    assert_eq!(queue.depth(at(180)), Depth::default());
}

#[test]
fn messages_beyond_the_limit_in_flight_are_kept_back() {
    let mut queue = queue();
    for number in 0..=IN_FLIGHT_MAX {
        put(&mut queue, &number.to_string(), at(0));
    }
    let first = queue.receive(IN_FLIGHT_MAX, TIMEOUT, None, at(0));
    assert_eq!((first.messages.len(), first.is_over_limit), (IN_FLIGHT_MAX, false));
    let second = queue.receive(1, TIMEOUT, None, at(0));
    assert_eq!((second.messages.len(), second.is_over_limit), (0, true));
    queue.delete(first.messages[0].0);
    assert_eq!(queue.receive(1, TIMEOUT, None, at(0)).messages.len(), 1);
}

#[test]
fn a_message_handed_out_twice_is_visible_while_it_is_held() {
    let mut queue = queue();
    put(&mut queue, "a", at(0));
    let (first, _) = receive_one(&mut queue, at(0));
    queue.hand_out_again(first);
    let (second, message) = receive_one(&mut queue, at(0));
    assert_eq!(message.receive_count, 2);
    queue.delete(second);
    assert_eq!(queue.depth(at(0)), Depth::default());
}

#[test]
fn a_timeout_of_zero_leaves_the_message_visible() {
    let mut queue = queue();
    put(&mut queue, "a", at(0));
    assert_eq!(queue.receive(MAX, Duration::ZERO, None, at(0)).messages.len(), 1);
    assert_eq!(queue.depth(at(0)), Depth { visible: 1, in_flight: 0, delayed: 0 });
}

#[test]
fn a_purged_queue_is_empty_and_takes_messages() {
    let mut queue = queue();
    put(&mut queue, "a", at(0));
    put(&mut queue, "b", at(0));
    queue.receive(1, TIMEOUT, None, at(0));
    queue.purge();
    assert_eq!(queue.depth(at(0)), Depth::default());
    put(&mut queue, "c", at(1));
    assert_eq!(ids(&receive(&mut queue, at(100))), ["c"]);
}
