//! Who made the calls of a trail, each described once: a job that deletes a thousand keys is one
//! caller. It holds a bounded number of them and knows them by what their records say, letter by
//! letter.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::sync::Arc;

use foldhash::fast::FixedState;

use crate::domain::Actor;

/// Callers that are kept; with more, all are forgotten and learnt again.
const CALLERS_MAX: usize = 512;
/// Bytes that one may be described with to be kept.
const SAID_BYTES_MAX: usize = 4_096;

/// What a record says of its caller.
#[derive(Debug, Clone, Copy)]
pub(super) struct Said<'a> {
    /// All of `userIdentity`, as it is written.
    pub(super) identity: &'a str,
    /// `sourceIPAddress`, empty when it is not there.
    pub(super) source_ip: &'a str,
    /// `userAgent`, empty when it is not there.
    pub(super) user_agent: &'a str,
    /// `sessionCredentialFromConsole`.
    pub(super) is_console: bool,
}

/// A caller and what was said of it.
struct Known {
    texts: [Box<str>; 3],
    actor: Arc<Actor>,
}

/// The callers that were met so far.
#[derive(Default)]
pub(super) struct Callers {
    known: HashMap<u64, Known, FixedState>,
}

impl Callers {
    /// The caller that is described so; `read` is asked who it is when it was not met lately.
    pub(super) fn caller(
        &mut self,
        said: &Said<'_>,
        read: impl FnOnce() -> Option<Actor>,
    ) -> Option<Arc<Actor>> {
        let hash = hash_of(said);
        let texts = [said.identity, said.source_ip, said.user_agent];
        if let Some(known) = self.known.get(&hash)
            && known.actor.console == said.is_console
            && known.texts.iter().zip(texts).all(|(known, text)| **known == *text)
        {
            return Some(Arc::clone(&known.actor));
        }
        let actor = Arc::new(read()?);
        if texts.iter().map(|text| text.len()).sum::<usize>() <= SAID_BYTES_MAX {
            if self.known.len() == CALLERS_MAX {
                self.known.clear();
            }
            let known = Known { texts: texts.map(Box::from), actor: Arc::clone(&actor) };
            self.known.insert(hash, known);
        }
        Some(actor)
    }
}

/// A number that callers seldom share: the beginning of an identity tells whose it is, and when two
/// share it they only take each other's place.
fn hash_of(said: &Said<'_>) -> u64 {
    const TELLING_BYTES: usize = 192;
    let identity = said.identity.as_bytes();
    let beginning = &identity[..identity.len().min(TELLING_BYTES)];
    let Said { source_ip, user_agent, is_console, .. } = said;
    FixedState::default().hash_one((
        beginning,
        identity.len(),
        source_ip,
        user_agent.len(),
        is_console,
    ))
}
