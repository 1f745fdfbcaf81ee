//! How much may go on at a time, in all and for one peer. It does not know what goes on: both
//! connections and answers that are held in memory take places.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many places there are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Capacity {
    /// For everybody together.
    pub(super) all: usize,
    /// For one peer, of those.
    pub(super) of_one_peer: usize,
    /// Beside those, for peers that have no place yet: so whoever takes all that he can get keeps
    /// nobody else out.
    pub(super) for_newcomers: usize,
}

/// The places and who has taken them. Clones share them.
#[derive(Debug, Clone)]
pub(super) struct Places {
    capacity: Capacity,
    taken: Arc<Mutex<Taken>>,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    by_peer: HashMap<IpAddr, usize>,
}

/// A place, free again when this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    peer: IpAddr,
    taken: Arc<Mutex<Taken>>,
}

impl Places {
    pub(super) fn new(capacity: Capacity) -> Self {
        Self { capacity, taken: Arc::default() }
    }

    /// A place for this peer, if there is one for it.
    pub(super) fn take(&self, peer: IpAddr) -> Option<Place> {
        let Capacity { all, of_one_peer, for_newcomers } = self.capacity;
        let mut taken = lock(&self.taken);
        let own = taken.by_peer.get(&peer).copied().unwrap_or_default();
        let room = if own == 0 { all + for_newcomers } else { all };
        if own >= of_one_peer || taken.all >= room {
            return None;
        }
        taken.all += 1;
        taken.by_peer.insert(peer, own + 1);
        Some(Place { peer, taken: Arc::clone(&self.taken) })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = lock(&self.taken);
        taken.all -= 1;
        if let Entry::Occupied(mut own) = taken.by_peer.entry(self.peer) {
            *own.get_mut() -= 1;
            if *own.get() == 0 {
                own.remove();
            }
        }
    }
}

fn lock(taken: &Mutex<Taken>) -> MutexGuard<'_, Taken> {
    taken.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::{Capacity, Places, lock};

    fn peer(number: u8) -> IpAddr {
        [192, 0, 2, number].into()
    }

    #[test]
    fn one_peer_takes_its_share_and_no_more() {
        let places = Places::new(Capacity { all: 10, of_one_peer: 2, for_newcomers: 0 });
        let first = places.take(peer(1)).unwrap();
        let _second = places.take(peer(1)).unwrap();
        assert!(places.take(peer(1)).is_none());
        assert!(places.take(peer(2)).is_some());
        drop(first);
        assert!(places.take(peer(1)).is_some());
    }

    #[test]
    fn who_has_nothing_yet_gets_in_where_others_have_filled_the_room() {
        let places = Places::new(Capacity { all: 4, of_one_peer: 3, for_newcomers: 2 });
        let held: Vec<_> = [1, 1, 1, 2].map(|number| places.take(peer(number)).unwrap()).into();
        assert!(places.take(peer(2)).is_none(), "the room is full for who is in it");
        let newcomers = [3, 4].map(|number| places.take(peer(number)).unwrap());
        assert!(places.take(peer(5)).is_none(), "and at the end for everybody");
        drop(newcomers);
        assert!(places.take(peer(5)).is_some());
        drop(held);
    }

    #[test]
    fn nothing_is_remembered_of_who_has_left() {
        let places = Places::new(Capacity { all: 4, of_one_peer: 3, for_newcomers: 2 });
        drop([1, 1, 2].map(|number| places.take(peer(number)).unwrap()));
        assert!(lock(&places.taken).by_peer.is_empty());
        assert_eq!(lock(&places.taken).all, 0);
    }
}
