//! Which files there are below a folder of this host, in the order of their names. It reads no
//! content, and nothing stops it: what cannot be looked at is told like everything else.

use std::fs::{DirEntry, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use super::file::{revision_of, written_millis};

/// A file to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalFile {
    /// Its path from the root of the file system, without links.
    pub path: String,
    /// What tells this content from an earlier or a later one.
    pub revision: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// When it was last written, in milliseconds since 1970.
    pub last_modified_millis: Option<i64>,
}

/// What was come across.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// A file.
    File(LocalFile),
    /// A symbolic link, which is not followed: its target is found where it is, or is not meant.
    Link(PathBuf),
    /// A pipe, a socket or a device.
    Special(PathBuf),
}

/// Why something below a folder will not be read.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// The system does not let this user look at it.
    #[error("{} cannot be read ({error}); check the path, and that this user may read it",
        .path.display())]
    Unreadable {
        /// What.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// Its name could not be told apart from others in the ledger.
    #[error("{} has a name that is no UTF-8; rename it", .path.display())]
    NotUtf8 {
        /// What.
        path: PathBuf,
    },
}

impl FolderError {
    /// Never: somebody has to change something.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        false
    }

    /// The path that it is about.
    #[must_use]
    pub fn path(&self) -> &Path {
        match self {
            Self::Unreadable { path, .. } | Self::NotUtf8 { path } => path,
        }
    }

    /// The reason in one word.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "file_unreadable",
            Self::NotUtf8 { .. } => "name_not_utf8",
        }
    }
}

/// A walk through files and folders. It holds the names of one folder for each level of depth.
#[derive(Debug)]
pub struct Walk {
    /// What is still to be looked at, the next one last.
    ahead: Vec<Step>,
}

#[derive(Debug)]
enum Step {
    /// What the user named: links are followed.
    Root(PathBuf),
    /// What was found in a folder.
    Entry(PathBuf),
    Failed(FolderError),
}

impl Walk {
    /// A walk through these files and folders, in this order.
    #[must_use]
    pub fn through(roots: Vec<PathBuf>) -> Self {
        Self { ahead: roots.into_iter().rev().map(Step::Root).collect() }
    }

    /// Looks at one step; `None` for a folder, whose entries are next.
    fn look(&mut self, step: Step) -> Result<Option<Found>, FolderError> {
        let (path, metadata) = match step {
            Step::Failed(error) => return Err(error),
            Step::Root(path) => {
                let path = path.canonicalize().map_err(|error| unreadable(&path, error))?;
                let metadata = path.symlink_metadata();
                (path, metadata)
            }
            Step::Entry(path) => {
                let metadata = path.symlink_metadata();
                (path, metadata)
            }
        };
        let metadata = metadata.map_err(|error| unreadable(&path, error))?;
        if metadata.is_dir() {
            self.enter(&path)?;
            return Ok(None);
        }
        if metadata.is_symlink() {
            return Ok(Some(Found::Link(path)));
        }
        if metadata.is_file() {
            file(path, &metadata).map(Some)
        } else {
            Ok(Some(Found::Special(path)))
        }
    }

    fn enter(&mut self, folder: &Path) -> Result<(), FolderError> {
        let entries = folder.read_dir().map_err(|error| unreadable(folder, error))?;
        let step = |entry: io::Result<DirEntry>| match entry {
            Ok(entry) => Step::Entry(entry.path()),
            Err(error) => Step::Failed(unreadable(folder, error)),
        };
        let mut steps: Vec<Step> = entries.map(step).collect();
        steps.sort_by(|a, b| b.path().cmp(a.path()));
        self.ahead.append(&mut steps);
        Ok(())
    }
}

impl Step {
    fn path(&self) -> &Path {
        match self {
            Self::Root(path) | Self::Entry(path) => path,
            Self::Failed(error) => error.path(),
        }
    }
}

impl Iterator for Walk {
    type Item = Result<Found, FolderError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let step = self.ahead.pop()?;
            if let Some(found) = self.look(step).transpose() {
                return Some(found);
            }
        }
    }
}

fn file(path: PathBuf, metadata: &Metadata) -> Result<Found, FolderError> {
    match path.into_os_string().into_string() {
        Ok(path) => {
            let revision = revision_of(metadata);
            let (bytes, last_modified_millis) = (metadata.len(), written_millis(metadata));
            Ok(Found::File(LocalFile { path, revision, bytes, last_modified_millis }))
        }
        Err(path) => Err(FolderError::NotUtf8 { path: path.into() }),
    }
}

fn unreadable(path: &Path, error: io::Error) -> FolderError {
    FolderError::Unreadable { path: path.to_owned(), error }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::symlink;

    use super::*;

    /// What a walk comes across, each by its name below `folder`.
    fn walked(folder: &Path, roots: &[&Path]) -> Vec<String> {
        let folder = folder.canonicalize().unwrap();
        let below =
            |path: &Path| path.strip_prefix(&folder).unwrap_or(path).to_string_lossy().into_owned();
        Walk::through(roots.iter().map(|root| root.to_path_buf()).collect())
            .map(|found| match found {
                Ok(Found::File(file)) => below(Path::new(&file.path)),
                Ok(Found::Link(path)) => format!("link {}", below(&path)),
                Ok(Found::Special(path)) => format!("special {}", below(&path)),
                Err(error) => format!("{} {}", error.kind(), below(error.path())),
            })
            .collect()
    }

    fn write(path: &Path) {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "content").unwrap();
    }

    #[test]
    fn files_come_by_name_from_every_depth() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b/2.json", "b/10.json", "a.json", "b/c/d/e.json", ".hidden", "키.json"] {
            write(&folder.path().join(name));
        }
        std::fs::create_dir(folder.path().join("empty")).unwrap();
        assert_eq!(
            walked(folder.path(), &[folder.path()]),
            [".hidden", "a.json", "b/10.json", "b/2.json", "b/c/d/e.json", "키.json"]
        );
    }

    #[test]
    fn links_in_a_folder_are_not_followed_and_a_named_one_is() {
        let (outside, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        write(&outside.path().join("secret"));
        write(&folder.path().join("real/a"));
        let link = |name: &str, target: &Path| {
            let path = folder.path().join(name);
            symlink(target, &path).unwrap();
            path
        };
        link("out", &outside.path().join("secret"));
        link("round", folder.path());
        link("nowhere", Path::new("not-there"));
        assert_eq!(
            walked(folder.path(), &[folder.path()]),
            ["link nowhere", "link out", "real/a", "link round"]
        );
        let named = link("to-real", &folder.path().join("real"));
        assert_eq!(walked(folder.path(), &[&named]), ["real/a"], "by its own path");
    }

    #[test]
    fn what_cannot_be_looked_at_is_told_and_the_rest_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("missing");
        write(&folder.path().join("a"));
        write(&folder.path().join(OsStr::from_bytes(b"b\xff")));
        write(&folder.path().join("c"));
        let _socket = std::os::unix::net::UnixListener::bind(folder.path().join("d")).unwrap();
        let told = walked(folder.path(), &[&missing, folder.path()]);
        assert!(
            told[0].starts_with("file_unreadable ") && told[0].ends_with("missing"),
            "{told:?}"
        );
        assert_eq!(told[1..], ["a", "name_not_utf8 b\u{fffd}", "c", "special d"]);
    }

    #[test]
    fn a_files_size_and_revision_are_those_of_its_content() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        write(&path);
        let look = || match Walk::through(vec![path.clone()]).next() {
            Some(Ok(Found::File(file))) => file,
            other => panic!("{other:?}"),
        };
        let first = look();
        assert_eq!((first.bytes, look()), (7, first.clone()));
        std::fs::write(&path, "other content").unwrap();
        assert_ne!(look().revision, first.revision);
    }
}
