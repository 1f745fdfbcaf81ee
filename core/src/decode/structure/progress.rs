//! What one block after another says: which quotation marks are real, what lies in strings, and
//! where the braces balance. It sees bits only, no bytes.
#![expect(clippy::inline_always, reason = "each level compiles it with its own instructions")]

use super::{BLOCK_BYTES, Bytes, Level, Marked, Marks, Room};

/// How far an object was read. The default is that of one whose opening brace comes next.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::decode) struct Progress {
    /// Braces that are open.
    depth: u64,
    /// All bits are set within a string, none outside.
    in_text: u64,
    /// 1 when the next byte is escaped, else 0.
    escaped: u64,
    /// Not 0 when there was a backslash.
    backslashes: u64,
    /// Quotation marks that begin or end strings.
    quotes: u32,
}

impl Progress {
    /// The object that all of `bytes` is, with the marks that were put there.
    pub(in crate::decode) const fn marked<'a>(
        &self,
        bytes: &'a [u8],
        room: &'a Room,
        level: Level,
    ) -> Marked<'a> {
        let has_backslash = self.backslashes != 0;
        Marked { bytes, marks: room.0.as_slice(), has_backslash, quotes: self.quotes, level }
    }

    /// The quotation marks that are not escaped, and what to carry to the next block.
    #[inline(always)]
    pub(super) fn quotes(&self, found: Bytes) -> (u64, u64) {
        if found.backslashes | self.escaped == 0 {
            return (found.quotes, 0);
        }
        let (escaped, carry) = escapes(found.backslashes, self.escaped);
        (found.quotes & !escaped, carry)
    }

    /// What to carry to the byte that follows the first `length` ones, fewer than a block.
    pub(super) fn carry_at(&self, found: Bytes, length: usize) -> u64 {
        let (escaped, _) = escapes(found.backslashes, self.escaped);
        (escaped >> length) & 1
    }

    /// Whether the first byte of the next block is escaped.
    #[inline(always)]
    pub(super) const fn carry(&mut self, carry: u64) {
        self.escaped = carry;
    }

    /// Reads a block, whose real quotation marks have this `parity`: for each bit, whether the
    /// number of marks up to and with it is odd. Gives the bytes up to and with the brace that ends
    /// the object, if it does.
    #[inline(always)]
    pub(super) fn read(
        &mut self,
        found: Bytes,
        quotes: u64,
        parity: u64,
        marks: &mut Marks,
    ) -> Option<usize> {
        // Set from the quotation mark that begins a string to the byte before the one that ends it.
        let inside = parity ^ self.in_text;
        self.in_text = (inside.cast_signed() >> 63).cast_unsigned();
        let opens = found.opens & !inside;
        let closes = found.closes & !inside;
        *marks = Marks { quotes, braces: opens | closes };
        let ended = u64::from(closes.count_ones());
        if ended < self.depth {
            self.depth = self.depth + u64::from(opens.count_ones()) - ended;
            self.backslashes |= found.backslashes;
            self.quotes = self.quotes.wrapping_add(quotes.count_ones());
            return None;
        }
        let end = self.balance(opens, closes);
        let of_object = end.map_or(u64::MAX, |end| u64::MAX >> (BLOCK_BYTES - end));
        self.backslashes |= found.backslashes & of_object;
        self.quotes = self.quotes.wrapping_add((quotes & of_object).count_ones());
        end
    }

    /// Counts brace by brace, up to the one that balances.
    #[inline(always)]
    fn balance(&mut self, opens: u64, closes: u64) -> Option<usize> {
        let mut braces = opens | closes;
        while braces != 0 {
            let brace = braces & braces.wrapping_neg();
            if opens & brace != 0 {
                self.depth += 1;
            } else {
                self.depth = self.depth.saturating_sub(1);
                if self.depth == 0 {
                    return Some(brace.trailing_zeros() as usize + 1);
                }
            }
            braces ^= brace;
        }
        None
    }
}

/// The bytes that a backslash before them escapes, the first one if `escaped` is 1, and whether the
/// byte behind the block is. One backslash after the other, because most blocks have none.
#[inline(never)]
const fn escapes(backslashes: u64, mut escaped: u64) -> (u64, u64) {
    let mut carry = 0;
    let mut left = backslashes & !escaped;
    while left != 0 {
        let backslash = left & left.wrapping_neg();
        carry = backslash >> 63;
        escaped |= backslash << 1;
        // What is escaped escapes nothing.
        left &= !(backslash | backslash << 1);
    }
    (escaped, carry)
}
