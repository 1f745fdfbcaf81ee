//! Where the strings of a JSON object are and where it ends, found 64 bytes at a time with vector
//! instructions where there are any. It counts quotation marks and braces and knows nothing else of
//! JSON: whether what lies between them is any, others judge.
//!
//! Each set of instructions has a file that only says which bytes of a block are which. What
//! follows from that is the same code for all of them, compiled once for each.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "aarch64")]
mod neon;
mod portable;
mod progress;
#[cfg(target_arch = "x86_64")]
mod sse2;
#[cfg(test)]
mod tests;

use std::cell::Cell;

pub(super) use self::progress::Progress;
use super::lent::Lend;

/// Bytes that are looked at in one step.
const BLOCK_BYTES: usize = 64;

/// Which bytes of a block are of interest: one bit for each, the first byte's the lowest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Bytes {
    quotes: u64,
    backslashes: u64,
    opens: u64,
    closes: u64,
}

/// What is in a block of an object: one bit for each byte, the first byte's the lowest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Marks {
    /// The quotation marks that begin and end strings.
    pub(super) quotes: u64,
    /// The braces outside of strings.
    pub(super) braces: u64,
}

/// Room for the marks of an object.
#[derive(Debug, Default)]
pub(super) struct Room(Vec<Marks>);

thread_local! {
    static ROOM: Cell<Option<Room>> = const { Cell::new(None) };
}

/// Blocks for which room is kept: those of a window, and more.
const BLOCKS_KEPT: usize = 8 * 1024;

impl Room {
    /// Bytes of memory that it takes.
    pub(super) const fn held_bytes(&self) -> usize {
        self.0.capacity() * size_of::<Marks>()
    }

    /// Room for the marks of so many bytes.
    fn of(&mut self, bytes: usize) -> &mut [Marks] {
        let blocks = bytes / BLOCK_BYTES + 1;
        if self.0.len() < blocks {
            self.0.resize(blocks, Marks::default());
        }
        &mut self.0
    }
}

impl Lend for Room {
    fn with_kept<R>(see: impl FnOnce(&Cell<Option<Self>>) -> R) -> R {
        ROOM.with(see)
    }

    /// What was needed for an unusually large object is not.
    fn tidy(&mut self) {
        self.0.truncate(BLOCKS_KEPT);
        self.0.shrink_to(BLOCKS_KEPT);
    }
}

/// A whole JSON object, and where its strings and braces are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Marked<'a> {
    /// Its bytes, from brace to brace.
    pub(super) bytes: &'a [u8],
    /// Of each 64 bytes begun. Bits behind the end mean nothing.
    pub(super) marks: &'a [Marks],
    /// Whether there is a backslash in it.
    pub(super) has_backslash: bool,
    /// How many quotation marks begin or end strings in it, in 32 bits.
    pub(super) quotes: u32,
    level: Level,
}

impl<'a> Marked<'a> {
    /// Marks an object that is all of `bytes`, with room for its marks. `None` when an object does
    /// not begin and end there.
    pub(super) fn of(bytes: &'a [u8], level: Level, room: &'a mut Room) -> Option<Self> {
        let mut progress = Progress::default();
        let end = level.advance(bytes, &mut progress, room)?;
        let is_object = bytes.first() == Some(&b'{') && end == bytes.len();
        is_object.then_some(progress.marked(bytes, room, level))
    }

    /// Whether there is a control character in it, line ends among them.
    pub(super) fn has_control(&self) -> bool {
        self.level.has_control(self.bytes)
    }
}

/// The instructions that blocks are looked at with. All give equal marks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    /// Eight bytes at a time, on any processor.
    Portable,
    /// Part of every x86-64.
    #[cfg(target_arch = "x86_64")]
    Sse2,
    /// x86-64 since about 2013.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// Part of every 64-bit ARM that runs an operating system.
    #[cfg(target_arch = "aarch64")]
    Neon,
}

impl Level {
    /// The fastest one that this processor has.
    pub(super) fn best() -> Self {
        Self::each().last().unwrap_or(Self::Portable)
    }

    /// All that this processor has, the slowest first.
    pub(super) fn each() -> impl Iterator<Item = Self> {
        let levels = [
            (Self::Portable, true),
            #[cfg(target_arch = "x86_64")]
            (Self::Sse2, true),
            #[cfg(target_arch = "x86_64")]
            (Self::Avx2, has_avx2()),
            #[cfg(target_arch = "aarch64")]
            (Self::Neon, true),
        ];
        levels.into_iter().filter(|(_, has)| *has).map(|(level, _)| level)
    }

    /// Reads on in an object, from its opening brace on, and gives the length of what belongs to
    /// it when it ends in `bytes`. Puts the marks of `bytes` into `room`, which grows as it has to.
    pub(super) fn advance(
        self,
        bytes: &[u8],
        progress: &mut Progress,
        room: &mut Room,
    ) -> Option<usize> {
        let room = room.of(bytes.len());
        #[expect(unsafe_code, reason = "says that the processor has what a function needs")]
        match self {
            Self::Portable => portable::advance(bytes, progress, room),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: SSE2 is part of x86-64.
            Self::Sse2 => unsafe { sse2::advance(bytes, progress, room) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `each` gives this level only where `has_avx2`.
            Self::Avx2 => unsafe { avx2::advance(bytes, progress, room) },
            #[cfg(target_arch = "aarch64")]
            // SAFETY: NEON is part of each target of this architecture that has a standard library.
            Self::Neon => unsafe { neon::advance(bytes, progress, room) },
        }
    }

    fn has_control(self, bytes: &[u8]) -> bool {
        match self {
            #[cfg(target_arch = "x86_64")]
            #[expect(unsafe_code, reason = "says that the processor has what the function needs")]
            // SAFETY: `each` gives this level only where `has_avx2`.
            Self::Avx2 => unsafe { avx2::has_control(bytes) },
            _ => has_control(bytes),
        }
    }
}

/// Whether there is a control character. Without a way out of the loop, so that compilers make
/// vectors of it.
#[inline]
fn has_control(bytes: &[u8]) -> bool {
    bytes.iter().fold(0, |found, &byte| found | u8::from(byte < b' ')) != 0
}

/// Whether the processor has AVX2, and what came before it.
#[cfg(target_arch = "x86_64")]
fn has_avx2() -> bool {
    is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("pclmulqdq")
        && is_x86_feature_detected!("popcnt")
}

/// Makes the function `advance` of a file that has the functions `load`, `equal` and `parity`:
/// `load` takes so many bytes, which are at these places of a block. The attributes say which
/// instructions it may use, and stand on all of them: a function that lacks them would not be
/// inlined, and be called for each block.
macro_rules! advance_with {
    ($bytes:literal bytes at $($place:literal)+; $(#[$attribute:meta])*) => {
        $(#[$attribute])*
        #[inline]
        fn bytes_of(block: &[u8; super::BLOCK_BYTES]) -> super::Bytes {
            let (parts, _) = block.as_chunks::<$bytes>();
            let parts = [$(load(&parts[$place])),+];
            super::Bytes {
                quotes: equal(parts, b'"'),
                backslashes: equal(parts, b'\\'),
                opens: equal(parts, b'{'),
                closes: equal(parts, b'}'),
            }
        }

        $(#[$attribute])*
        pub(super) fn advance(
            bytes: &[u8],
            progress: &mut super::Progress,
            room: &mut [super::Marks],
        ) -> Option<usize> {
            let mut now = *progress;
            let (blocks, rest) = bytes.as_chunks::<{ super::BLOCK_BYTES }>();
            let mut end = None;
            for (place, (block, marks)) in blocks.iter().zip(room.iter_mut()).enumerate() {
                let found = bytes_of(block);
                let (quotes, carry) = now.quotes(found);
                end = now.read(found, quotes, parity(quotes), marks);
                now.carry(carry);
                if end.is_some() {
                    end = end.map(|end| place * super::BLOCK_BYTES + end);
                    break;
                }
            }
            if let (None, Some(marks)) = (end, room.get_mut(blocks.len())) {
                let mut block = [0; super::BLOCK_BYTES];
                block[..rest.len()].copy_from_slice(rest);
                let found = bytes_of(&block);
                let carry = now.carry_at(found, rest.len());
                let (quotes, _) = now.quotes(found);
                end = now.read(found, quotes, parity(quotes), marks);
                now.carry(carry);
                end = end.map(|end| blocks.len() * super::BLOCK_BYTES + end);
            }
            *progress = now;
            end
        }
    };
}
use advance_with;

/// For each bit, whether the number of bits set up to and with it is odd.
#[inline]
const fn parity(mut bits: u64) -> u64 {
    bits ^= bits << 1;
    bits ^= bits << 2;
    bits ^= bits << 4;
    bits ^= bits << 8;
    bits ^= bits << 16;
    bits ^ (bits << 32)
}
