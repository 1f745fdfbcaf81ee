//! A delete that an application declared before it asked S3 for it. It knows no wire format.

use super::Timestamp;

/// A declared delete of some keys of one bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intent {
    /// What the application calls it. The same id again is the same intent.
    pub id: String,
    /// The bucket.
    pub bucket: String,
    /// The keys, decoded; none of them empty, at least one.
    pub keys: Vec<String>,
    /// When the application asked for it, by its own clock.
    pub requested_at: Timestamp,
    /// Who asked, in the application's words.
    pub by: Option<String>,
    /// What it belongs to, in the application's words, such as a job or a ticket.
    pub reference: Option<String>,
}

impl Intent {
    /// Roughly how many bytes of memory this piece holds, its texts included.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        let optional = [&self.by, &self.reference];
        let optional: usize =
            optional.iter().map(|text| text.as_ref().map_or(0, String::len)).sum();
        let keys: usize = self.keys.iter().map(|key| key.len() + size_of::<String>()).sum();
        size_of::<Self>() + self.id.len() + self.bucket.len() + keys + optional
    }
}
