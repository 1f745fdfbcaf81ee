//! Small worlds of deletes that are acted out: the actor writes down the truth, derives what each
//! source would write, and the fold has to find the truth again. Nothing here is computed by the
//! fold.

use proptest::prelude::*;

use super::fold_laws::{child, direct, eightfold, notice, version};
use super::{Evidence, Target, fold};

/// One key of one call that S3 accepted, as the actor knows it.
#[derive(Debug, Clone)]
struct Act {
    is_bulk: bool,
    versions: u8,
    seconds: i64,
    is_noticed: bool,
    is_in_trail: bool,
}

#[derive(Debug, Clone, Copy)]
struct Layout {
    shares_request: bool,
    names_version: bool,
    is_copied: bool,
}

fn any_act() -> impl Strategy<Value = Act> {
    (any::<bool>(), 0u8..3, 0i64..30, any::<bool>(), any::<bool>()).prop_map(
        |(is_bulk, versions, seconds, is_noticed, is_in_trail)| Act {
            is_bulk,
            versions: if is_bulk { versions } else { versions.min(1) },
            seconds,
            is_noticed,
            is_in_trail: is_in_trail || !is_noticed,
        },
    )
}

impl Act {
    fn removals(&self) -> usize {
        usize::from(self.versions.max(1))
    }

    /// What the sources would write of this act, and nothing that they would not.
    fn written(&self, nth: usize, layout: Layout) -> Vec<Evidence> {
        let request = format!("R{nth}");
        let mut pieces = Vec::new();
        for removal in 0..self.removals() {
            let id = format!("{nth}/{removal}");
            let target = match self.versions {
                0 => Target::Current,
                _ => version(&format!("v{nth}/{removal}")),
            };
            if self.is_noticed {
                let id = format!("notice {id}");
                pieces.push(Evidence {
                    target: target.clone(),
                    ..notice(&id, &request, self.seconds)
                });
            }
            if !self.is_in_trail {
                continue;
            }
            let own = if self.is_bulk {
                let told = if layout.names_version { target } else { Target::Unknown };
                let shared = layout.shares_request.then_some(request.as_str());
                child(&format!("trail {id}"), shared, told, self.seconds)
            } else {
                Evidence { target, ..direct(&format!("trail {id}"), &request, self.seconds) }
            };
            if layout.is_copied {
                pieces.push(Evidence {
                    id: format!("copy {id}"),
                    event_id: Some(format!("copy {id}")),
                    account: "444455556666".into(),
                    shared_event_id: Some(format!("shared {id}")),
                    ..own.clone()
                });
            }
            let shared_event_id = layout.is_copied.then(|| format!("shared {id}"));
            pieces.push(Evidence { shared_event_id, ..own });
        }
        pieces
    }
}

proptest! {
    #![proptest_config(eightfold())]

    #[test]
    fn acted_deletes_are_counted_once_each_from_whatever_sources_told_of_them(
        acts in prop::collection::vec(any_act(), 1..6),
        (shares_request, names_version, is_copied) in any::<(bool, bool, bool)>(),
        are_close in any::<bool>(),
    ) {
        let layout = Layout { shares_request, names_version, is_copied };
        // Two acts within 10 s, one told by a lone child and the other by a lone notice, look like
        // one act, because a child's request id may be its own. Close acts have all their words.
        let acts = acts.into_iter().zip(0i64..).map(|(act, nth)| {
            if are_close {
                Act { is_noticed: true, is_in_trail: true, ..act }
            } else {
                Act { seconds: act.seconds + 60 * nth, ..act }
            }
        });
        let acts: Vec<Act> = acts.collect();
        let truth: usize = acts.iter().map(Act::removals).sum();
        let written: Vec<Evidence> = acts
            .iter()
            .enumerate()
            .flat_map(|(nth, act)| act.written(nth, layout))
            .collect();
        prop_assert_eq!(fold(&written).len(), truth);
    }
}
