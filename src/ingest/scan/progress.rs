//! How far a scan is, for whoever shows it meanwhile. It shows nothing.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Counts that go up while a scan runs, read by others at any time.
#[derive(Debug, Default)]
pub struct ScanProgress {
    files_found: AtomicU64,
    files_done: AtomicU64,
    bytes_read: AtomicU64,
    is_all_found: AtomicBool,
}

/// The counts at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ScanSnapshot {
    /// Files and objects that are known to be there so far.
    pub files_found: u64,
    /// Those that were read, passed over or told as failures.
    pub files_done: u64,
    /// Bytes, as they are stored, of those that were read.
    pub bytes_read: u64,
    /// Whether all of them are known, so that what is left can be said.
    pub is_all_found: bool,
}

impl ScanProgress {
    /// The counts now.
    #[must_use]
    pub fn snapshot(&self) -> ScanSnapshot {
        ScanSnapshot {
            files_found: self.files_found.load(Ordering::Relaxed),
            files_done: self.files_done.load(Ordering::Relaxed),
            bytes_read: self.bytes_read.load(Ordering::Relaxed),
            is_all_found: self.is_all_found.load(Ordering::Relaxed),
        }
    }

    pub(super) fn note_found(&self) {
        self.files_found.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn note_all_found(&self) {
        self.is_all_found.store(true, Ordering::Relaxed);
    }

    pub(super) fn note_done(&self, bytes_read: u64) {
        self.files_done.fetch_add(1, Ordering::Relaxed);
        self.bytes_read.fetch_add(bytes_read, Ordering::Relaxed);
    }
}
