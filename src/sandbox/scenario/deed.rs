//! What people and services do in a scenario, and when. It knows neither endpoints nor what
//! anybody counts.

use std::time::Duration;

/// Who does it. Each signs with a key of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Actor {
    /// The service that people use: takes uploads, removes albums.
    ImageService,
    /// The job that removes what is old, by night and from a list that may be old itself.
    CleanupJob,
    /// Somebody with a terminal and too few permissions.
    Intern,
    /// Somebody who looks after the archive.
    Archivist,
}

impl Actor {
    /// All of them.
    pub const ALL: [Self; 4] =
        [Self::ImageService, Self::CleanupJob, Self::Intern, Self::Archivist];

    /// The name of the role or user.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ImageService => "image-service",
            Self::CleanupJob => "cleanup-job",
            Self::Intern => "intern",
            Self::Archivist => "archivist",
        }
    }
}

/// How an application says beforehand what it will delete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    /// A message to the queue of events, for each intent.
    Message,
    /// A log object with a line for each intent.
    LogObject,
}

/// One thing that is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    /// Something that a reader of the story should know.
    Tell(String),
    /// An upload of so many bytes.
    Upload {
        /// The bucket.
        bucket: &'static str,
        /// The key.
        key: String,
        /// Size of the object.
        object_bytes: usize,
    },
    /// Reading an object, which is no business of a watcher of deletions.
    Read {
        /// The bucket.
        bucket: &'static str,
        /// The key.
        key: String,
    },
    /// `DeleteObject` without a version.
    Delete {
        /// The bucket.
        bucket: &'static str,
        /// The key.
        key: String,
    },
    /// The same `DeleteObject` twice at once, as a client does that is asked for its promise twice.
    DeleteTwice {
        /// The bucket.
        bucket: &'static str,
        /// The key.
        key: String,
    },
    /// `DeleteObjects`.
    DeleteMany {
        /// The bucket.
        bucket: &'static str,
        /// The keys.
        keys: Vec<String>,
    },
    /// `DeleteObject` of the newest version of a key, for good.
    DeleteVersion {
        /// The bucket.
        bucket: &'static str,
        /// The key.
        key: String,
    },
    /// `DeleteObject` of the delete marker of a key: the object is seen again.
    Undelete {
        /// The bucket.
        bucket: &'static str,
        /// The key.
        key: String,
    },
    /// The application says that it will delete, and goes on without having done it.
    Declare {
        /// How it says so.
        channel: Channel,
        /// The bucket.
        bucket: &'static str,
        /// The keys of each intent.
        intents: Vec<Vec<String>>,
    },
    /// A lifecycle rule of the bucket expires the object.
    Expire {
        /// The bucket.
        bucket: &'static str,
        /// The key.
        key: String,
    },
}

/// A deed at its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// How long after the beginning.
    pub after: Duration,
    /// Who does it.
    pub actor: Actor,
    /// What is done.
    pub deed: Deed,
}
