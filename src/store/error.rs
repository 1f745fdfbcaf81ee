//! What can go wrong with a store, in words for the person who runs it. It knows no SQL.

use std::path::PathBuf;

/// Why a store could not be opened, written or read. `store` is where it is, as the user wrote it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Another program holds the file's write lock.
    #[error(
        "{store} is locked by another program; close what else has the file open, such as a \
         database browser or a backup (lsof or fuser on the file shows it)"
    )]
    Locked {
        /// Where.
        store: String,
    },
    /// The file or its disk cannot be written to.
    #[error("{store} is read-only; give this user write permission to the file and its folder")]
    ReadOnly {
        /// Where.
        store: String,
    },
    /// The system does not let this user write the file.
    #[error(
        "the file of {store} cannot be written ({detail}); give this user write permission to \
         {} and to its folder, or name another file with --store", .file.display()
    )]
    FileReadOnly {
        /// Where.
        store: String,
        /// The file.
        file: PathBuf,
        /// What the system says.
        detail: String,
    },
    /// The system does not let this user write the file's folder.
    #[error(
        "the folder of {store} cannot be written ({detail}), and SQLite keeps its journal beside \
         the file; give this user write permission to {}, mount it writable, or name another file \
         with --store", .folder.display()
    )]
    FolderReadOnly {
        /// Where.
        store: String,
        /// The folder.
        folder: PathBuf,
        /// What the system says.
        detail: String,
    },
    /// The directory of the file does not exist.
    #[error(
        "the folder {directory} of {store} does not exist; create it, mount it, or name another \
         file with --store"
    )]
    DirectoryMissing {
        /// Where.
        store: String,
        /// What is missing.
        directory: PathBuf,
    },
    /// The file of a store that is only to be read does not exist.
    #[error(
        "there is no {store}; name the store of the daemon with --store (a relative path is taken \
         from the working directory)"
    )]
    FileMissing {
        /// Where.
        store: String,
    },
    /// The file cannot be opened.
    #[error("{store} cannot be opened ({detail}); see that it is a file this user may write")]
    CannotOpen {
        /// Where.
        store: String,
        /// What the system says.
        detail: String,
    },
    /// It is no database, or a damaged one.
    #[error("{store} is not a sound database ({detail}); restore it or move it away")]
    Corrupted {
        /// Where.
        store: String,
        /// What the database says.
        detail: String,
    },
    /// No space is left.
    #[error("the disk of {store} is full; free some space or enlarge it")]
    DiskFull {
        /// Where.
        store: String,
    },
    /// The disk failed.
    #[error("reading or writing {store} failed ({detail}); check its disk")]
    Disk {
        /// Where.
        store: String,
        /// What the system says.
        detail: String,
    },
    /// The tables could not be brought to this version.
    #[error("the tables of {store} do not fit this version ({detail}); run the version it is from")]
    Migration {
        /// Where.
        store: String,
        /// What does not fit.
        detail: String,
    },
    /// A row cannot be read back.
    #[error("a row of {store} cannot be read ({detail}); was it written by a newer version?")]
    Row {
        /// Where.
        store: String,
        /// Which column and why.
        detail: String,
    },
    /// A statement failed otherwise.
    #[error("a statement on {store} failed ({detail}); please report this")]
    Statement {
        /// Where.
        store: String,
        /// What the database says.
        detail: String,
    },
    /// The server of the database cannot be reached now.
    #[error(
        "the server of {store} cannot be reached ({detail}); it is tried again, so see that it \
         runs and that its address and port are right"
    )]
    Unreachable {
        /// Where.
        store: String,
        /// What the system or the server says.
        detail: String,
    },
    /// The server does not let this user in, or this program does not trust the server.
    #[error(
        "{store} cannot be used ({detail}); check the user, the password, the database and its \
         permissions, and the certificates that sslmode asks for"
    )]
    CannotConnect {
        /// Where.
        store: String,
        /// What the server says.
        detail: String,
    },
    /// Another transaction was in the way, or took too long.
    #[error("another writer of {store} was in the way ({detail}); it is tried again")]
    Conflict {
        /// Where.
        store: String,
        /// What the server says.
        detail: String,
    },
    /// The store was closed, or its writer died.
    #[error("{store} is closed; restart the program")]
    Closed {
        /// Where.
        store: String,
    },
}

impl StoreError {
    /// Whether the same call may succeed later although nobody changes the call.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Locked { .. }
                | Self::DiskFull { .. }
                | Self::Disk { .. }
                | Self::Unreachable { .. }
                | Self::Conflict { .. }
        )
    }
}
