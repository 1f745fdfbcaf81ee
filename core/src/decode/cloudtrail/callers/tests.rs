//! What is remembered of callers, against asking anew each time.

use std::cell::Cell;
use std::sync::Arc;

use proptest::prelude::*;

use super::{CALLERS_MAX, Callers, SAID_BYTES_MAX, Said};
use crate::domain::Actor;

fn said(identity: &str) -> Said<'_> {
    Said { identity, source_ip: "192.0.2.1", user_agent: "[aws-cli]", is_console: false }
}

/// The caller that is described so, told with all that was said.
fn described(said: &Said<'_>) -> Actor {
    Actor {
        arn: Some(said.identity.to_owned()),
        source_ip: Some(said.source_ip.to_owned()),
        user_agent: Some(said.user_agent.to_owned()),
        console: said.is_console,
        ..Actor::default()
    }
}

fn caller(callers: &mut Callers, said: &Said<'_>) -> Arc<Actor> {
    callers.caller(said, || Some(described(said))).unwrap()
}

#[test]
fn the_same_words_are_read_once() {
    let mut callers = Callers::default();
    let times_read = Cell::new(0);
    let mut ask = || {
        let read = || {
            times_read.set(times_read.get() + 1);
            Some(described(&said("dev")))
        };
        callers.caller(&said("dev"), read).unwrap()
    };
    let (first, second) = (ask(), ask());
    assert!(Arc::ptr_eq(&first, &second));
    assert_eq!(times_read.get(), 1);
}

#[test]
fn callers_that_differ_in_anything_are_told_apart() {
    let long = "x".repeat(300);
    let [one, two] = ["a", "b"].map(|end| format!("{long}{end}"));
    let descriptions = [
        said("dev"),
        said("der"),
        said(""),
        said(&one),
        said(&two),
        Said { source_ip: "", ..said("dev") },
        Said { source_ip: "192.0.2.2", ..said("dev") },
        Said { user_agent: "[aws-clj]", ..said("dev") },
        Said { user_agent: &one, ..said("dev") },
        Said { user_agent: &two, ..said("dev") },
        Said { is_console: true, ..said("dev") },
        Said { source_ip: "192.0.2.1[", user_agent: "aws-cli]", ..said("dev") },
    ];
    let mut callers = Callers::default();
    for first in &descriptions {
        for second in &descriptions {
            for said in [first, second, first] {
                assert_eq!(*caller(&mut callers, said), described(said), "{said:?}");
            }
        }
    }
}

#[test]
fn what_could_not_be_read_is_asked_for_again() {
    let mut callers = Callers::default();
    assert_eq!(callers.caller(&said("dev"), || None), None);
    assert_eq!(*caller(&mut callers, &said("dev")), described(&said("dev")));
}

#[test]
fn a_bounded_number_of_callers_is_kept() {
    let mut callers = Callers::default();
    for number in 0..3 * CALLERS_MAX {
        let identity = format!("user {number}");
        assert_eq!(*caller(&mut callers, &said(&identity)), described(&said(&identity)));
        assert!(callers.known.len() <= CALLERS_MAX);
    }
    assert!(!callers.known.is_empty());
}

#[test]
fn a_long_description_is_not_kept() {
    let mut callers = Callers::default();
    let around = said("").source_ip.len() + said("").user_agent.len();
    for (length, is_kept) in [(SAID_BYTES_MAX - around, true), (SAID_BYTES_MAX - around + 1, false)]
    {
        let identity = "x".repeat(length);
        let said = said(&identity);
        let [first, second] = [(); 2].map(|()| caller(&mut callers, &said));
        assert_eq!(*second, described(&said));
        assert_eq!(Arc::ptr_eq(&first, &second), is_kept, "{length}");
    }
}

proptest! {
    #[test]
    fn remembering_changes_nothing(
        turns in prop::collection::vec(
            ("[ab]{0,2}", "[ab]{0,2}", "[ab]{0,2}", any::<bool>()), 0..60
        )
    ) {
        let mut callers = Callers::default();
        for (identity, source_ip, user_agent, is_console) in &turns {
            let said = Said { identity, source_ip, user_agent, is_console: *is_console };
            prop_assert_eq!(&*caller(&mut callers, &said), &described(&said));
        }
    }
}
