//! Reads of objects, as access logs tell of them: by `GET`, and by a copy, whose source has a line
//! of its own. What a line cannot be read for tells nothing. What objects are encrypted with, no
//! line says.

use super::head::Head;
use super::key::key_of;
use super::requester::actor_of;
use super::tail::Tail;
use super::{check_bucket, told};
use crate::decode::bucket_name::bucket_name;
use crate::decode::log_key::LogPath;
use crate::decode::touch::Touch;
use crate::domain::{Deed, Outcome};

/// The operations that read the content of an object.
const READS: [&str; 2] = ["REST.GET.OBJECT", "REST.COPY.OBJECT_GET"];

/// What a line tells of a key that was read; `None` when it is of no interest.
pub(in crate::decode) fn touch_of_line(line: &[u8], path: &LogPath) -> Option<Touch> {
    let line = str::from_utf8(line).ok()?;
    let head = Head::of(line).filter(|head| READS.contains(&head.operation))?;
    let tail = Tail::of(head.rest).ok()?;
    let is_answered = tail.http_status.is_some_and(|status| (200..300).contains(&status));
    if !is_answered || Outcome::from_error(tail.error_code, tail.http_status) != Outcome::Ok {
        return None;
    }
    let bucket = bucket_name(told(head.bucket)).ok()?;
    check_bucket(path, &bucket).ok()?;
    let key = key_of(tail.key, tail.target, &bucket).filter(|key| !key.is_empty())?;
    Some(Touch {
        bucket: bucket.into(),
        key,
        deed: Deed::Read,
        is_of_itself: false,
        at: head.at()?,
        actor: actor_of(head.requester, true).into(),
    })
}
