//! What was seen before: a few numbers, kept as long as they are few. It knows not what they name.

/// Up to `MAX` numbers. Once there were more, nothing can be called new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct Known<const MAX: usize> {
    numbers: [u32; MAX],
    count: u8,
    is_full: bool,
}

impl<const MAX: usize> Default for Known<MAX> {
    fn default() -> Self {
        Self { numbers: [0; MAX], count: 0, is_full: false }
    }
}

impl<const MAX: usize> Known<MAX> {
    /// Remembers it.
    pub(in super::super) fn insert(&mut self, number: u32) {
        if self.has(number) {
            return;
        }
        match self.numbers.get_mut(usize::from(self.count)) {
            Some(place) => {
                *place = number;
                self.count += 1;
            }
            None => self.is_full = true,
        }
    }

    /// Whether it was not seen, and would be known if it had been.
    pub(in super::super) fn is_new(&self, number: u32) -> bool {
        !self.is_full && !self.has(number)
    }

    /// How many were seen.
    pub(in super::super) fn count(&self) -> usize {
        usize::from(self.count)
    }

    fn has(&self, number: u32) -> bool {
        self.numbers[..usize::from(self.count)].contains(&number)
    }
}

#[cfg(test)]
mod tests {
    use super::Known;

    #[test]
    fn who_was_seen_with_too_many_is_never_seen_with_a_new_one() {
        let mut known = Known::<2>::default();
        known.insert(7);
        known.insert(7);
        known.insert(9);
        assert!(known.is_new(8) && !known.is_new(9));
        assert_eq!(known.count(), 2);
        known.insert(8);
        assert!(!known.is_new(1_000));
    }
}
