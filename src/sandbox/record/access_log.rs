//! Lines of a server access log about an act, in the 27 fields of 2026. It knows no bucket that
//! they are written to.

use deltrail_core::domain::Timestamp;

use super::cloudtrail::{CIPHER_SUITE, TLS_VERSION};
use super::text::{civil, form_encoded, path_encoded, sha256};
use crate::sandbox::act::{Act, BulkEntry, Call, Effect, Refusal};
use crate::sandbox::identifiers::Identifiers;
use crate::sandbox::principal::Kind;

/// What stands for a field that has nothing to say.
const NONE: &str = "-";

/// The fields of a line that differ within one act.
struct Line<'a> {
    operation: &'static str,
    key: Option<&'a str>,
    /// The line of the HTTP request, if there was one.
    request: Option<String>,
    /// HTTP status, if there was an answer.
    status: Option<u16>,
    error_code: Option<&'a str>,
    sent_bytes: Option<u64>,
    object_bytes: Option<u64>,
    /// The version that was named, not the one that was made.
    version_id: Option<&'a str>,
}

/// The lines about an act. A bulk call has one of its own and one for each key; what lifecycle
/// does without effect has none.
#[must_use]
pub fn lines(act: &Act) -> Vec<String> {
    let one = |line: Line<'_>| vec![line.written(act)];
    match &act.call {
        Call::Put { key, object_bytes, .. } => one(Line {
            object_bytes: Some(*object_bytes),
            ..Line::of_request(act, "REST.PUT.OBJECT", "PUT", key, None)
        }),
        Call::Copy { key, object_bytes, .. } => one(Line {
            object_bytes: Some(*object_bytes),
            ..Line::of_request(act, "REST.COPY.OBJECT", "PUT", key, None)
        }),
        Call::Get { key, named_version, object_bytes, is_head } => {
            let (operation, method) =
                if *is_head { ("REST.HEAD.OBJECT", "HEAD") } else { ("REST.GET.OBJECT", "GET") };
            let accepted_bytes = act.refusal.is_none().then_some(*object_bytes);
            one(Line {
                sent_bytes: accepted_bytes.filter(|bytes| !is_head && *bytes > 0),
                object_bytes: accepted_bytes,
                ..Line::of_request(act, operation, method, key, named_version.as_deref())
            })
        }
        Call::Delete { key, named_version, .. } => {
            let named_version = named_version.as_deref();
            let line = Line::of_request(act, "REST.DELETE.OBJECT", "DELETE", key, named_version);
            one(Line { status: line.status.or(Some(204)), ..line })
        }
        Call::BulkDelete { entries } => bulk(act, entries),
        Call::Expire { key, effect } => expired(key, effect).into_iter().flat_map(one).collect(),
    }
}

/// The name of the object that lines are written to: prefix, time of writing, 16 characters.
#[must_use]
pub fn object_key(prefix: &str, written_at: Timestamp, identifiers: &Identifiers) -> String {
    let time = civil(written_at, "%Y-%m-%d-%H-%M-%S");
    format!("{prefix}{time}-{}", identifiers.file_suffix())
}

fn bulk(act: &Act, entries: &[BulkEntry]) -> Vec<String> {
    let refusal = act.refusal.as_ref();
    let request = Line {
        request: Some(format!("POST /{}?delete HTTP/1.1", act.bucket)),
        status: Some(refusal.map_or(200, |refusal| refusal.status)),
        error_code: refusal.map(|refusal| &*refusal.code),
        ..Line::without_request("REST.POST.MULTI_OBJECT_DELETE", None)
    };
    let keys = if refusal.is_none() { entries } else { &[] };
    let keys = keys.iter().map(|entry| {
        let refusal: Option<&Refusal> = entry.result.as_ref().err();
        let line = Line {
            status: Some(refusal.map_or(204, |refusal| refusal.status)),
            error_code: refusal.map(|refusal| &*refusal.code),
            version_id: entry.named_version.as_deref(),
            ..Line::without_request("BATCH.DELETE.OBJECT", Some(&entry.key))
        };
        line.written(act)
    });
    std::iter::once(request.written(act)).chain(keys).collect()
}

fn expired<'a>(key: &'a str, effect: &'a Effect) -> Option<Line<'a>> {
    let key = Some(key);
    match effect {
        Effect::Nothing => None,
        Effect::Marker { .. } => Some(Line::without_request("S3.CREATE.DELETEMARKER", key)),
        Effect::Object => Some(Line::without_request("S3.EXPIRE.OBJECT", key)),
        Effect::Version { id, .. } => {
            let line = Line::without_request("S3.EXPIRE.OBJECT", key);
            Some(Line { version_id: Some(id), ..line })
        }
    }
}

impl<'a> Line<'a> {
    /// About a request for one key. Without a refusal the status is 200, unless the caller of this
    /// knows better; a delete's is left open.
    fn of_request(
        act: &'a Act,
        operation: &'static str,
        method: &str,
        key: &'a str,
        version_id: Option<&'a str>,
    ) -> Self {
        let query = version_id.map(|id| format!("?versionId={id}")).unwrap_or_default();
        let path = format!("/{}/{}{query}", act.bucket, path_encoded(key));
        let accepted = (method != "DELETE").then_some(200);
        let refusal = act.refusal.as_ref();
        Self {
            request: Some(format!("{method} {path} HTTP/1.1")),
            status: refusal.map_or(accepted, |refusal| Some(refusal.status)),
            error_code: refusal.map(|refusal| &*refusal.code),
            version_id,
            ..Self::without_request(operation, Some(key))
        }
    }

    fn without_request(operation: &'static str, key: Option<&'a str>) -> Self {
        Self {
            operation,
            key,
            request: None,
            status: None,
            error_code: None,
            sent_bytes: None,
            object_bytes: None,
            version_id: None,
        }
    }

    /// The 27 fields. What a line without an HTTP request of its own cannot know is `-` without
    /// quotation marks, as captures have it.
    fn written(&self, act: &Act) -> String {
        let number = |number: Option<u64>| number.map_or(NONE.into(), |it| it.to_string());
        let has_request = self.request.is_some();
        let millis = u64::try_from(act.ended_at.millis_since(act.started_at)).unwrap_or_default();
        let (total, turn_around) = (has_request.then_some(millis), has_request.then_some(millis));
        let caller = &act.caller;
        let agent = quoted(has_request.then_some(caller.user_agent.as_str()));
        let is_signed = caller.principal.is_some() && !is_lifecycle(act);
        let is_http = !is_lifecycle(act);
        let shown = |is_there: bool, text: &str| if is_there { text } else { NONE }.to_owned();
        [
            sha256(act.bucket_account.as_bytes()),
            act.bucket.clone(),
            civil(act.started_at, "[%d/%b/%Y:%H:%M:%S +0000]"),
            shown(is_http, &caller.source_address),
            requester(act),
            act.request_id.clone(),
            self.operation.into(),
            self.key.map_or(NONE.into(), |key| form_encoded(&form_encoded(key))),
            quoted(self.request.as_deref()),
            number(self.status.map(u64::from)),
            self.error_code.unwrap_or(NONE).into(),
            number(self.sent_bytes),
            number(self.object_bytes),
            number(total),
            number(turn_around),
            quoted(has_request.then_some(NONE)),
            agent,
            self.version_id.unwrap_or(NONE).into(),
            act.host_id.clone(),
            shown(is_signed, "SigV4"),
            shown(is_http, CIPHER_SUITE),
            shown(is_signed, "AuthHeader"),
            shown(is_http, &caller.host),
            shown(is_http, TLS_VERSION),
            NONE.into(),
            NONE.into(),
            NONE.into(),
        ]
        .join(" ")
    }
}

fn quoted(text: Option<&str>) -> String {
    text.map_or(NONE.into(), |text| format!("\"{text}\""))
}

fn is_lifecycle(act: &Act) -> bool {
    matches!(act.call, Call::Expire { .. })
}

fn requester(act: &Act) -> String {
    match &act.caller.principal {
        _ if is_lifecycle(act) => "AmazonS3".into(),
        Some(principal) if principal.kind == Kind::Service => format!("svc:{}", principal.name),
        Some(principal) => principal.arn(),
        None => NONE.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::record::specimen::{STARTED, act};

    fn without_owner(line: &str) -> &str {
        line.split_once(' ').unwrap().1
    }

    fn fields(line: &str) -> Vec<&str> {
        line.split(' ').collect()
    }

    #[test]
    fn a_delete_is_one_line_of_27_fields() {
        let delete = act(Call::Delete {
            key: "cats/a b.jpg".into(),
            named_version: Some("V1".into()),
            effect: Effect::Version { id: "V1".into(), was_marker: false },
        });
        let [line] = lines(&delete).try_into().unwrap();
        assert_eq!(
            without_owner(&line),
            "images [23/Nov/2026:12:00:00 +0000] 198.51.100.7 \
             arn:aws:sts::111122223333:assumed-role/image-service/i-0abc REQUEST000000001 \
             REST.DELETE.OBJECT cats/a%2Bb.jpg \
             \"DELETE /images/cats/a%20b.jpg?versionId=V1 HTTP/1.1\" 204 - - - 40 40 \"-\" \
             \"aws-sdk-rust/1.3.9 os/linux\" V1 host/id= SigV4 TLS_AES_128_GCM_SHA256 AuthHeader \
             images.s3.eu-west-1.amazonaws.com TLSv1.3 - - -"
        );
        assert_eq!(fields(&line)[0].len(), 64, "a canonical id");
    }

    #[test]
    fn a_bulk_call_is_its_own_line_and_one_without_a_request_for_each_key() {
        let denied = Refusal::access_denied("somebody", "s3:DeleteObject", "held");
        let entry = |key: &str, result| BulkEntry { key: key.into(), named_version: None, result };
        let bulk = act(Call::BulkDelete {
            entries: vec![
                entry("gone.jpg", Ok(Effect::Marker { id: "V9".into() })),
                entry("held.jpg", Err(denied)),
            ],
        });
        let [call, gone, held] = lines(&bulk).try_into().unwrap();
        assert!(
            call.contains(
                "REQUEST000000001 REST.POST.MULTI_OBJECT_DELETE - \
                 \"POST /images?delete HTTP/1.1\" 200 - - - 40 40 "
            ),
            "{call}"
        );
        let tail = "host/id= SigV4 TLS_AES_128_GCM_SHA256 AuthHeader \
                    images.s3.eu-west-1.amazonaws.com TLSv1.3 - - -";
        let expected = format!("BATCH.DELETE.OBJECT gone.jpg - 204 - - - - - - - - {tail}");
        assert!(gone.ends_with(&expected), "{gone}");
        assert_eq!(fields(&gone).len(), 28, "27 fields, and the space within the time");
        assert!(held.contains(" BATCH.DELETE.OBJECT held.jpg - 403 AccessDenied - "), "{held}");
    }

    #[test]
    fn a_refused_bulk_call_says_nothing_of_its_keys() {
        let entry = BulkEntry { key: "a".into(), named_version: None, result: Ok(Effect::Nothing) };
        let mut bulk = act(Call::BulkDelete { entries: vec![entry] });
        bulk.refusal = Some(Refusal::access_denied("somebody", "s3:DeleteObject", "images"));
        let [line] = lines(&bulk).try_into().unwrap();
        assert!(line.contains(" 403 AccessDenied "), "{line}");
    }

    #[test]
    fn lifecycle_is_seen_here_and_has_no_request() {
        let expire = |effect| act(Call::Expire { key: "old.jpg".into(), effect });
        let gone = expire(Effect::Version { id: "V0".into(), was_marker: false });
        let [gone] = lines(&gone).try_into().unwrap();
        assert_eq!(
            without_owner(&gone),
            "images [23/Nov/2026:12:00:00 +0000] - AmazonS3 REQUEST000000001 S3.EXPIRE.OBJECT \
             old.jpg - - - - - - - - - V0 host/id= - - - - - - - -"
        );
        let hidden = lines(&expire(Effect::Marker { id: "V1".into() }));
        assert_eq!(fields(&hidden[0])[7], "S3.CREATE.DELETEMARKER");
        assert_eq!(fields(&hidden[0])[17], "-", "the marker is not the version that was asked for");
        assert!(lines(&expire(Effect::Nothing)).is_empty());
    }

    #[test]
    fn a_read_tells_what_was_sent() {
        let get = |is_head| {
            act(Call::Get { key: "a".into(), named_version: None, object_bytes: 29, is_head })
        };
        assert!(
            lines(&get(false))[0]
                .contains("REST.GET.OBJECT a \"GET /images/a HTTP/1.1\" 200 - 29 29 ")
        );
        assert!(
            lines(&get(true))[0]
                .contains("REST.HEAD.OBJECT a \"HEAD /images/a HTTP/1.1\" 200 - - 29 ")
        );
    }

    #[test]
    fn the_object_is_named_after_the_time_of_writing() {
        let key = object_key("access/", STARTED, &Identifiers::seeded(1));
        assert!(key.starts_with("access/2026-11-23-12-00-00-"), "{key}");
        assert_eq!(key.len(), "access/2026-11-23-12-00-00-".len() + 16);
    }
}
