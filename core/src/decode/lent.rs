//! What takes longer to make than a small file takes to read: whoever needs such a thing gets the
//! one that was last left in this thread, and leaves it to the next. It knows nothing of what the
//! things are for, and nothing that is read may depend on which one it was.

use std::cell::Cell;

/// A kind of such things. The default is a new one.
pub(super) trait Lend: Default + 'static {
    /// Calls `see` with where a thread keeps the one that nobody has.
    fn with_kept<R>(see: impl FnOnce(&Cell<Option<Self>>) -> R) -> R;

    /// Gives back what the next one need not hold.
    fn tidy(&mut self) {}
}

/// One such thing, taken when it is needed first and left at the end.
#[derive(Debug)]
pub(super) struct Lent<T: Lend>(Option<T>);

impl<T: Lend> Lent<T> {
    /// Not needed yet.
    pub(super) const fn none() -> Self {
        Self(None)
    }

    /// The thing.
    pub(super) fn get(&mut self) -> &mut T {
        self.0.get_or_insert_with(|| T::with_kept(Cell::take).unwrap_or_default())
    }

    /// The thing, if it was needed.
    pub(super) const fn held(&self) -> Option<&T> {
        self.0.as_ref()
    }

    /// Leaves it to the next one of this thread; it can be taken again.
    pub(super) fn leave(&mut self) {
        if let Some(mut thing) = self.0.take() {
            thing.tidy();
            T::with_kept(|kept| kept.set(Some(thing)));
        }
    }
}

impl<T: Lend> Drop for Lent<T> {
    fn drop(&mut self) {
        self.leave();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, PartialEq)]
    struct Notebook(Vec<u8>);

    thread_local! {
        static NOTEBOOK: Cell<Option<Notebook>> = const { Cell::new(None) };
    }

    impl Lend for Notebook {
        fn with_kept<R>(see: impl FnOnce(&Cell<Option<Self>>) -> R) -> R {
            NOTEBOOK.with(see)
        }

        fn tidy(&mut self) {
            self.0.truncate(1);
        }
    }

    #[test]
    fn what_is_left_or_dropped_is_tidied_and_comes_to_the_next() {
        let mut first = Lent::<Notebook>::none();
        assert_eq!(first.held(), None, "it is not taken before it is needed");
        first.get().0.extend([1, 2]);
        let mut other = Lent::<Notebook>::none();
        assert_eq!(other.get(), &Notebook::default(), "nobody has that of another");
        first.leave();
        assert_eq!(first.held(), None);
        assert_eq!(Lent::<Notebook>::none().get(), &Notebook(vec![1]));
        drop(other);
        assert_eq!(first.get(), &Notebook::default(), "the one left last");
    }
}
