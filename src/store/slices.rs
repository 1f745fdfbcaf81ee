//! Slices: rows that are looked for by a name that comes in no order. One index of all of them
//! would be written all over, and each new row would cost a page of its own. So rows are cut into
//! slices as they come, the index begins with the slice, and only the part of the newest one is
//! written; which of the others may hold a name is known in memory. It knows no database.

use std::cell::RefCell;
use std::mem;

/// Bits of a filter for each row that its slice holds when it is full: of names that are not in it,
/// about one in a thousand is looked for in vain.
const BITS_PER_ROW: u64 = 16;
/// Words of a block, which is a line of the processor's cache. Each holds one bit of a name.
const BLOCK_WORDS: usize = 8;
const BLOCK_BITS: u64 = 512;
/// The bits of a hash that choose a block are those above its bits of the words.
const BLOCK_SHIFT: u32 = 48;
const BLOCKS_MAX: u64 = 1 << (64 - BLOCK_SHIFT);

/// A table that is cut into slices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sliced {
    /// `slots`, by bucket and key.
    Keys,
    /// `requests`, by identity.
    Requests,
}

impl Sliced {
    /// All of them.
    pub(super) const ALL: [Self; 2] = [Self::Keys, Self::Requests];

    /// How it is called in the store.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Keys => "keys",
            Self::Requests => "requests",
        }
    }
}

/// What rows are looked for by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Name {
    /// Of which table.
    pub(super) table: Sliced,
    hash: u64,
}

impl Name {
    /// Of a slot.
    pub(super) fn of_key(bucket: &str, key: &str) -> Self {
        Self { table: Sliced::Keys, hash: hash([bucket, key]) }
    }

    /// Of a request, in whatever bucket.
    pub(super) fn of_request(identity: &str) -> Self {
        Self { table: Sliced::Requests, hash: hash([identity]) }
    }
}

/// Filters are kept, so this must stay as it is: each eight bytes are mixed in by a multiplication
/// with an odd number, which loses nothing, and shifted down.
fn hash<const PARTS: usize>(parts: [&str; PARTS]) -> u64 {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    let mix = |hash: u64, word: u64| {
        let product = (hash ^ word).wrapping_mul(ODD);
        product ^ (product >> 29)
    };
    let mut hash = 0;
    for part in parts {
        for bytes in part.as_bytes().chunks(8) {
            let mut word = [0; 8];
            word[..bytes.len()].copy_from_slice(bytes);
            hash = mix(hash, u64::from_le_bytes(word));
        }
        // Where one part ends and the next one begins.
        hash = mix(hash, part.len() as u64);
    }
    mix(hash, hash.rotate_left(32))
}

/// A set of names that knows what is not in it (a Bloom filter whose bits of a name are in one
/// block): what was never added is taken for a member seldom, and what was added always.
pub(super) struct Filter(Box<[u64]>);

impl Filter {
    /// For a slice of so many rows; of more it tells fewer apart.
    pub(super) fn for_rows(rows: u64) -> Self {
        let blocks = (rows * BITS_PER_ROW).div_ceil(BLOCK_BITS).next_power_of_two();
        let blocks = usize::try_from(blocks.min(BLOCKS_MAX)).unwrap_or(1);
        Self(vec![0; blocks * BLOCK_WORDS].into())
    }

    /// As it was kept; none when it was not kept by [`Filter::to_bytes`].
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (words, rest) = bytes.as_chunks::<8>();
        let blocks = words.len() / BLOCK_WORDS;
        let is_filter = rest.is_empty()
            && words.len().is_multiple_of(BLOCK_WORDS)
            && blocks.is_power_of_two()
            && blocks as u64 <= BLOCKS_MAX;
        is_filter.then(|| Self(words.iter().map(|word| u64::from_le_bytes(*word)).collect()))
    }

    /// As it is kept.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        self.0.iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    /// Adds a name.
    pub(super) fn add(&mut self, name: Name) {
        let first = self.first_of(name);
        for (word, bit) in self.0[first..first + BLOCK_WORDS].iter_mut().zip(bits_of(name)) {
            *word |= bit;
        }
    }

    /// Whether a name may have been added.
    pub(super) fn may_hold(&self, name: Name) -> bool {
        let first = self.first_of(name);
        let mut words = self.0[first..first + BLOCK_WORDS].iter().zip(bits_of(name));
        words.all(|(word, bit)| word & bit != 0)
    }

    /// The first word of a name's block; the number of blocks is a power of two.
    fn first_of(&self, name: Name) -> usize {
        let blocks = self.0.len() / BLOCK_WORDS;
        (name.hash >> BLOCK_SHIFT) as usize % blocks * BLOCK_WORDS
    }
}

/// The bit of a name in each word of its block.
fn bits_of(name: Name) -> impl Iterator<Item = u64> {
    (0..BLOCK_WORDS).map(move |word| 1 << (name.hash >> (6 * word) & 63))
}

/// What is known of the slices of all tables.
pub(super) struct Slices([RefCell<TableSlices>; Sliced::ALL.len()]);

impl Slices {
    /// As if nothing were in any table.
    pub(super) fn empty() -> Self {
        Self(Sliced::ALL.map(|_| RefCell::new(TableSlices::empty())))
    }

    /// Those of a table.
    pub(super) const fn of(&self, table: Sliced) -> &RefCell<TableSlices> {
        &self.0[table as usize]
    }
}

/// The slices of a table. What a transaction that fails has noted here does no harm: a name that is
/// not there is looked for in vain, and a slice is taken for full too early.
pub(super) struct TableSlices {
    /// Those that are full, from the oldest to the newest.
    pub(super) full: Vec<(i64, Filter)>,
    /// The number of the one that grows.
    pub(super) newest: i64,
    /// The names in it.
    pub(super) filter: Filter,
    /// How many rows it has.
    pub(super) rows: u64,
    /// How many of the full ones were looked at since all were.
    pub(super) looked_at: usize,
}

impl TableSlices {
    fn empty() -> Self {
        let filter = Filter::for_rows(0);
        Self { full: Vec::new(), newest: 0, filter, rows: 0, looked_at: 0 }
    }

    /// The full ones that may hold a name, the newest first.
    pub(super) fn full_with(&self, name: Name) -> Vec<i64> {
        let full = self.full.iter().rev().filter(|(_, filter)| filter.may_hold(name));
        full.map(|(slice, _)| *slice).collect()
    }

    /// All that may hold a name, the newest first.
    pub(super) fn all_with(&self, name: Name) -> Vec<i64> {
        let newest = self.filter.may_hold(name).then_some(self.newest);
        newest.into_iter().chain(self.full_with(name)).collect()
    }

    /// Begins a slice that grows from now on.
    pub(super) fn begin(&mut self, number: i64, filter: Filter) {
        self.full.push((self.newest, mem::replace(&mut self.filter, filter)));
        (self.newest, self.rows) = (number, 0);
    }

    /// The next full ones, so many at most: each in its turn, and then the oldest again.
    pub(super) fn look_at(&mut self, count: usize) -> Vec<i64> {
        let is_left = self.looked_at + count <= self.full.len();
        let from = if is_left { self.looked_at } else { 0 };
        let next: Vec<i64> = self.full[from..].iter().take(count).map(|(it, _)| *it).collect();
        self.looked_at = from + next.len();
        next
    }

    /// Takes those off the list that were just looked at, and given up.
    pub(super) fn give_up(&mut self, numbers: &[i64]) {
        self.full.retain(|(number, _)| !numbers.contains(number));
        // All of them are before that place, unless somebody else gave some up meanwhile.
        self.looked_at = self.looked_at.saturating_sub(numbers.len());
    }

    /// Notes a row that comes to the newest.
    pub(super) fn note(&mut self, name: Name) {
        self.filter.add(name);
        self.rows += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(from: u64, to: u64) -> impl Iterator<Item = Name> {
        (from..to).map(|nth| Name::of_key("bucket", &format!("folder/{nth:08}.parquet")))
    }

    fn filled(rows: u64) -> Filter {
        let mut filter = Filter::for_rows(rows);
        for name in names(0, rows) {
            filter.add(name);
        }
        filter
    }

    #[test]
    fn a_filter_holds_what_was_added_and_hardly_anything_else() {
        for rows in [1, 100, 65_536] {
            let filter = filled(rows);
            assert!(names(0, rows).all(|name| filter.may_hold(name)), "{rows}");
            let in_vain = names(rows, rows + 100_000).filter(|name| filter.may_hold(*name)).count();
            assert!(in_vain < 300, "{in_vain} of 100 000, of {rows} rows");
        }
    }

    #[test]
    fn a_filter_that_was_kept_is_as_it_was() {
        let filter = filled(1_000);
        let kept = Filter::from_bytes(&filter.to_bytes()).unwrap();
        assert_eq!(filter.0, kept.0);
        for damaged in [0, 8, 63, 64 * 3] {
            assert!(Filter::from_bytes(&vec![0; damaged]).is_none(), "{damaged} bytes");
        }
    }

    #[test]
    fn hashes_stay_as_they_are_because_filters_are_kept() {
        let hashes = [Name::of_key("b", "k").hash, Name::of_request("r:0123456789ABCDEF").hash];
        assert_eq!(hashes, [17_282_514_461_135_844_579, 6_536_745_759_348_056_252]);
        assert_ne!(Name::of_key("ab", "c").hash, Name::of_key("a", "bc").hash);
    }

    #[test]
    fn a_name_is_looked_for_in_the_newest_slice_first() {
        let empty = || Filter::for_rows(8);
        let [first, second] = [0, 1].map(|nth| names(nth, nth + 1).next().unwrap());
        let mut slices = TableSlices { newest: 7, filter: empty(), ..TableSlices::empty() };
        slices.note(first);
        slices.begin(9, empty());
        slices.note(second);
        assert_eq!((slices.all_with(first), slices.full_with(first)), (vec![7], vec![7]));
        assert_eq!((slices.all_with(second), slices.full_with(second)), (vec![9], vec![]));
        slices.note(first);
        assert_eq!(slices.all_with(first), [9, 7]);
    }
}
