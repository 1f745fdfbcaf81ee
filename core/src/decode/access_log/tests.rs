//! Lines composed from what AWS documents and from captures of it: each is read as what it says,
//! whatever its caller wrote into it.

mod hostile;

use super::{Refusal, read_line, touch_of_line};
use crate::decode::LogPath;
use crate::domain::{
    ActorKind, Api, Call, Cause, Deed, Evidence, Mark, Outcome, RemovalRole, Source, Target,
};

const OWNER: &str = "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be";
const ROLE: &str = "arn:aws:sts::111122223333:assumed-role/cleaner/i-0abc";
const TIME: &str = "[23/Nov/2026:12:00:00 +0000]";
/// What follows the user agent and the version: 27 fields in all.
const END: &str = "s9lzHYrFp76ZVxRcpX9+5cjAnEH2ROuNkd2BHfIa6UkFVdtjf5mKR3/eTPFvsiP= SigV4 \
                   TLS_AES_128_GCM_SHA256 AuthHeader images.s3.eu-west-1.amazonaws.com TLSv1.3 \
                   - - us-east-1";

/// A line with these words from its operation on.
fn line(rest: &str) -> String {
    format!("{OWNER} images {TIME} 192.0.2.3 {ROLE} REQUEST000000001 {rest}")
}

fn delete(request: &str, answer: &str, callers: &str, version: &str) -> String {
    line(&format!("REST.DELETE.OBJECT cats/a.jpg \"{request}\" {answer} {callers} {version} {END}"))
}

fn plain_delete() -> String {
    delete("DELETE /cats/a.jpg HTTP/1.1", "204 - - - 40 39", r#""-" "aws-cli/2.9""#, "-")
}

fn read(line: &str) -> Result<Option<Evidence>, Refusal> {
    read_line(line.as_bytes(), &LogPath::default())
}

fn evidence(line: &str) -> Evidence {
    read(line).unwrap().unwrap_or_else(|| panic!("no delete: {line}"))
}

fn reason(line: impl AsRef<[u8]>) -> &'static str {
    read_line(line.as_ref(), &LogPath::default()).unwrap_err().reason.as_str()
}

#[test]
fn a_delete_of_one_key_is_a_request_and_a_claim() {
    let deleted = evidence(&plain_delete());
    assert_eq!(deleted.source, Source::AccessLog);
    assert_eq!(deleted.call, Some(Call { api: Api::DeleteObject, outcome: Outcome::Ok }));
    assert_eq!((deleted.role, deleted.cause), (RemovalRole::Claim, Cause::Api));
    assert_eq!((deleted.target, deleted.mark), (Target::Current, Mark::Unknown));
    assert_eq!((&*deleted.bucket, deleted.key.as_deref()), ("images", Some("cats/a.jpg")));
    assert_eq!(deleted.request_id.as_deref(), Some("REQUEST000000001"));
    assert_eq!(deleted.at.to_string(), "2026-11-23T12:00:00.000Z");
    assert_eq!((deleted.total_millis, deleted.http_status), (Some(40), Some(204)));
    assert_eq!((deleted.started_at, deleted.ended_at), (None, None), "a clock of whole seconds");
    assert_eq!(deleted.actor.arn.as_deref(), Some(ROLE));
    assert_eq!(deleted.actor.source_ip.as_deref(), Some("192.0.2.3"));
    assert_eq!(deleted.actor.user_agent.as_deref(), Some("aws-cli/2.9"));
    assert_eq!((&*deleted.account, &*deleted.region), ("", ""), "the last field is the caller's");
    assert!(deleted.id.starts_with("al:1a20846fe00:"), "{}", deleted.id);
    assert_eq!(deleted.id.len(), "al:1a20846fe00:".len() + 32);
}

#[test]
fn the_identity_is_that_of_the_whole_line() {
    let [first, again] = [evidence(&plain_delete()), evidence(&plain_delete())];
    assert_eq!(first, again);
    let other = evidence(&plain_delete().replace("39 \"-\"", "38 \"-\""));
    assert_ne!(first.id, other.id);
}

#[test]
fn the_version_column_is_the_version_that_was_asked_for() {
    let of = |version| {
        let request = "DELETE /images/cats/a.jpg?versionId=V1 HTTP/1.1";
        let deleted = evidence(&delete(request, "204 - - - 40 40", r#""-" "-""#, version));
        (deleted.target, deleted.mark, deleted.actor.user_agent.clone())
    };
    assert_eq!(of("V1"), (Target::Version("V1".into()), Mark::Version, None));
    assert_eq!(of("null"), (Target::Current, Mark::Object, None));
    assert_eq!(of("-"), (Target::Current, Mark::Unknown, None));
}

#[test]
fn a_bulk_call_is_a_request_without_keys() {
    let call = line(&format!(
        r#"REST.POST.MULTI_OBJECT_DELETE - "POST /images?delete HTTP/1.1" 200 - 116 - 73 - "-" "x" - {END}"#
    ));
    let call = evidence(&call);
    assert_eq!(call.call, Some(Call { api: Api::DeleteObjects, outcome: Outcome::Ok }));
    assert_eq!((call.role, call.key), (RemovalRole::None, None));
    assert_eq!((call.target, call.total_millis), (Target::Unknown, Some(73)));
}

#[test]
fn each_key_of_a_bulk_call_is_a_claim_with_an_answer_of_its_own() {
    let key = |answer: &str, version: &str| {
        evidence(&line(&format!(
            "BATCH.DELETE.OBJECT cats/ - {answer} - - - - - - {version} {END}"
        )))
    };
    let gone = key("204 -", "V1");
    assert_eq!((gone.call, gone.role), (None, RemovalRole::Claim));
    assert_eq!(gone.key.as_deref(), Some("cats/"));
    assert_eq!((gone.target, gone.mark), (Target::Version("V1".into()), Mark::Version));
    assert_eq!((gone.total_millis, gone.actor.user_agent.clone()), (None, None));
    let held = key("403 AccessDenied", "-");
    assert_eq!((held.call, held.role, held.mark), (None, RemovalRole::None, Mark::Unknown));
    assert_eq!((held.http_status, held.error_code.as_deref()), (Some(403), Some("AccessDenied")));
    assert_eq!(key("- -", "-").role, RemovalRole::None, "it was never answered");
    assert_eq!(key("- InternalError", "-").role, RemovalRole::None);
}

#[test]
fn a_refused_delete_is_a_request_and_no_removal() {
    for (answer, outcome) in [
        ("403 AccessDenied 243 - 9 -", Outcome::Denied),
        ("404 NoSuchBucket 243 - 9 -", Outcome::Failed),
        ("412 PreconditionFailed 243 - 9 -", Outcome::Failed),
        ("503 SlowDown 243 - 9 -", Outcome::Failed),
        ("500 - - - 9 -", Outcome::Failed),
        ("- - - - 9 -", Outcome::Failed),
    ] {
        let refused = evidence(&delete("DELETE /cats/a.jpg HTTP/1.1", answer, r#""-" "x""#, "-"));
        assert_eq!(refused.call, Some(Call { api: Api::DeleteObject, outcome }), "{answer}");
        assert_eq!(refused.role, RemovalRole::None, "{answer}");
    }
}

#[test]
fn lifecycle_is_told_with_or_without_quotation_marks() {
    for request in ["-", r#""-""#] {
        let of = |operation: &str, version: &str| {
            let line = line(&format!("{operation} old.jpg {request} - - - - - - - - {version} H="));
            evidence(&line.replace(ROLE, "AmazonS3"))
        };
        let gone = of("S3.EXPIRE.OBJECT", "-");
        assert_eq!((gone.mark, gone.cause), (Mark::Object, Cause::Lifecycle));
        assert_eq!((gone.role, gone.call), (RemovalRole::Claim, None));
        assert_eq!(gone.actor.kind(), ActorKind::Service);
        let version = of("S3.EXPIRE.OBJECT", "V0");
        assert_eq!((version.target, version.mark), (Target::Version("V0".into()), Mark::Version));
        for (column, made) in [("-", None), ("V9", Some("V9"))] {
            let hidden = of("S3.CREATE.DELETEMARKER", column);
            assert_eq!((hidden.target, hidden.mark), (Target::Current, Mark::Marker));
            assert_eq!(hidden.marker_version_id.as_deref(), made);
        }
    }
}

#[test]
fn what_deletes_no_object_is_nothing_to_us() {
    for operation in [
        "REST.GET.OBJECT",
        "REST.PUT.OBJECT",
        "REST.DELETE.UPLOAD",
        "S3.DELETE.UPLOAD",
        "REST.DELETE.OBJECT_TAGGING",
        "REST.DELETE.BUCKET",
        "S3.TRANSITION_GDA.OBJECT",
        "WEBSITE.GET.OBJECT",
    ] {
        let other = plain_delete().replace("REST.DELETE.OBJECT", operation);
        assert_eq!(read(&other), Ok(None), "{operation}");
    }
}

#[test]
fn lines_of_every_age_are_read() {
    let whole = plain_delete();
    let to_version = whole.strip_suffix(END).unwrap().trim_end();
    let with_fields_of_end = |count: usize| {
        let fields: Vec<_> = END.split(' ').take(count).collect();
        format!("{to_version} {}", fields.join(" ")).trim_end().to_owned()
    };
    let expected = Evidence { id: String::new(), ..evidence(&whole) };
    // 18 fields until 2018, then 24 and 25, 26 with aclRequired, 27 with the source region.
    let known = (0..=9).map(with_fields_of_end);
    let added = ["x y z", "- - -", r#""x y" -"#, r#"- "x"y" "z""#];
    let future = added.iter().map(|added| format!("{whole} {added}"));
    for line in known.chain(future) {
        assert_eq!(Evidence { id: String::new(), ..evidence(&line) }, expected, "{line}");
    }
}

#[test]
fn a_missing_referer_or_user_agent_may_stand_without_quotation_marks() {
    for (callers, agent) in [
        (r#"- "x y""#, Some("x y")),
        (r#""http://x/" -"#, None),
        ("- -", None),
        (r#""-" "-""#, None),
        (r#""" """#, Some("")),
    ] {
        for version in ["-", "V1"] {
            let line = delete("DELETE /cats/a.jpg HTTP/1.1", "204 - - - 4 4", callers, version);
            let deleted = evidence(&line);
            assert_eq!(deleted.target, Target::named(Some(version)), "{callers}");
            assert_eq!(deleted.actor.user_agent.as_deref(), agent, "{callers}");
        }
    }
}

#[test]
fn the_request_says_how_often_the_key_was_encoded() {
    let of = |field: &str, target: &str| {
        let line = plain_delete()
            .replace("cats/a.jpg \"DELETE /cats/a.jpg ", &format!("{field} \"DELETE {target} "));
        evidence(&line).key.unwrap()
    };
    assert_eq!(of("a%2Bb", "/images/a%20b"), "a b");
    assert_eq!(of("a%2Bb", "/images/a%2Bb"), "a+b");
    assert_eq!(of("a+b", "/a%2Bb?x-id=DeleteObject"), "a+b");
    assert_eq!(of("a b \"c", "/a%20b%20%22c"), "a b \"c", "not encoded at all");
}

#[test]
fn an_unsigned_call_is_anonymous_and_a_missing_id_is_none() {
    let line = plain_delete().replace(ROLE, "-").replace("REQUEST000000001", "-");
    let deleted = evidence(&line.replace("192.0.2.3", "-"));
    assert_eq!(deleted.actor.account_id.as_deref(), Some("anonymous"));
    assert_eq!((deleted.request_id, deleted.actor.source_ip.clone()), (None, None));
}

#[test]
fn a_line_that_cannot_be_counted_is_refused_with_its_reason() {
    let good = plain_delete();
    let without = |text: &str, other: &str| good.replace(text, other);
    for (line, expected) in [
        (good[..good.find(" REST").unwrap()].to_owned(), "malformed_line"),
        (good[..good.find(" 204").unwrap()].to_owned(), "malformed_line"),
        (good[..good.find(" \"-\" ").unwrap()].to_owned(), "malformed_line"),
        (good[..good.find(" - s9lz").unwrap()].to_owned(), "malformed_line"),
        (without("204 -", "2O4 -"), "malformed_line"),
        (without("204 -", "204 - -"), "malformed_line"),
        (without("cats/a.jpg \"DELETE", "cats/a b.jpg \"DELETE"), "malformed_line"),
        (without(" images ", " - "), "missing_bucket"),
        (without("23/Nov", "23/Nvo"), "missing_time"),
    ] {
        assert_eq!(reason(&line), expected, "{line}");
    }
}

#[test]
fn the_log_of_one_bucket_says_nothing_about_another() {
    let path = |bucket: &str| LogPath {
        account: Some("111122223333".into()),
        region: Some("eu-west-1".into()),
        bucket: Some(bucket.into()),
    };
    let own = read_line(plain_delete().as_bytes(), &path("images")).unwrap().unwrap();
    assert_eq!((&*own.account, &*own.region), ("111122223333", "eu-west-1"));
    let foreign = read_line(plain_delete().as_bytes(), &path("thumbnails")).unwrap_err();
    assert_eq!(foreign.reason.as_str(), "account_mismatch");
}

#[test]
fn a_get_that_was_answered_and_the_source_of_a_copy_are_reads() {
    let read = |operation: &str, answer: &str| {
        let request = r#""GET /cats/a%2Bb.jpg HTTP/1.1""#;
        let callers = r#""-" "aws-cli/2.9" -"#;
        let text =
            line(&format!("{operation} cats/a%252Bb.jpg {request} {answer} {callers} {END}"));
        touch_of_line(text.as_bytes(), &LogPath::default())
    };
    let whole = "200 - 512 512 40 39";
    for (operation, answer) in [
        ("REST.GET.OBJECT", whole),
        ("REST.GET.OBJECT", "206 - 12 512 40 39"),
        ("REST.COPY.OBJECT_GET", whole),
    ] {
        let touch = read(operation, answer).unwrap_or_else(|| panic!("{operation} {answer}"));
        assert_eq!(
            (&*touch.bucket, &*touch.key, touch.deed),
            ("images", "cats/a+b.jpg", Deed::Read)
        );
        assert_eq!(touch.actor.arn.as_deref(), Some(ROLE));
    }
    for (operation, answer) in [
        ("REST.HEAD.OBJECT", whole),
        ("REST.GET.OBJECT", "304 - - 512 40 39"),
        ("REST.GET.OBJECT", "404 NoSuchKey 300 - 40 39"),
        ("REST.GET.OBJECT", "- - - - - -"),
        ("REST.GET.ACL", whole),
    ] {
        assert_eq!(read(operation, answer), None, "{operation} {answer}");
    }
}
