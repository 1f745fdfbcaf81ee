//! Callers who write pieces of other lines into what is logged of them: the request, the referer
//! and the user agent. None of it is read as S3's word.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;

const REQUEST: &str = "DELETE /images/cats/a.jpg HTTP/1.1";
/// What a caller may write who knows the format.
const FORGERIES: [&str; 10] = [
    r#"x" 204 - - - 1 1 "-" "y"#,
    r#"x" 403 AccessDenied 243 - 9 - "-" "y" - H= SigV4 C AuthHeader h TLSv1.2 - - us-east-1"#,
    r#"x" FORGED H= SigV4 C AuthHeader h TLSv1.2 - - us-east-1"#,
    r#"x" FORGED H= SigV4 C AuthHeader h TLSv1.2 - - us-east-1 "y"#,
    r#"" "" "#,
    r#"" FORGED"#,
    r#"" "-" "z" FORGED "#,
    r#"x HTTP/1.1" 403 AccessDenied - - 1 1 "-" "z"#,
    r#"" - - - "#,
    "x\" \" - \"",
];

#[test]
fn a_line_is_read_alike_whatever_the_caller_says_of_itself() {
    for forgery in FORGERIES {
        for (answer, version) in [
            ("204 - - - 40 39", "-"),
            ("204 - - - 40 39", "V1"),
            ("403 AccessDenied 243 - 40 -", "-"),
        ] {
            let honest = evidence(&delete(REQUEST, answer, r#""-" "x""#, version));
            for callers in [format!("\"{forgery}\" \"x\""), format!("\"-\" \"{forgery}\"")] {
                let line = delete(REQUEST, answer, &callers, version);
                let mut read = evidence(&line);
                read.id.clone_from(&honest.id);
                let agent = &mut Arc::make_mut(&mut read.actor).user_agent;
                agent.clone_from(&honest.actor.user_agent);
                assert_eq!(read, honest, "{line}");
            }
        }
    }
}

#[test]
fn quotation_marks_in_the_target_of_a_request_do_no_harm() {
    for target in [
        r#"/images/cats/a.jpg?x=""#,
        r#"/images/cats/a.jpg?x="403"AccessDenied"-"#,
        r#"/images/cats/a.jpg?<?php$p%20=%20"x";$c=explode(".","h");?>"#,
    ] {
        for version in [" HTTP/1.1", ""] {
            let request = format!("DELETE {target}{version}");
            let line = delete(&request, "204 - - - 40 39", r#""-" "x""#, "V1");
            let deleted = evidence(&line);
            assert_eq!((deleted.role, deleted.http_status), (RemovalRole::Claim, Some(204)));
            assert_eq!(deleted.target, Target::Version("V1".into()), "{line}");
            assert_eq!(deleted.total_millis, Some(40));
        }
    }
}

#[test]
fn a_target_with_spaces_is_read_only_if_it_can_be_read_in_one_way() {
    let spaced = "DELETE /images/cats/a.jpg?x=a b c HTTP/1.1";
    let deleted = evidence(&delete(spaced, "204 - - - 40 39", r#""-" "x""#, "-"));
    assert_eq!((deleted.key.as_deref(), deleted.http_status), (Some("cats/a.jpg"), Some(204)));
    let forged = format!(r#"DELETE /images/cats/a.jpg?x= HTTP/1.1" {}"#, FORGERIES[1]);
    let line = delete(&forged, "204 - - - 40 39", r#""-" "x""#, "-");
    assert_eq!(reason(&line), "malformed_line", "either answer may be the caller's own");
}

#[test]
fn bytes_that_are_no_text_only_harm_where_they_matter() {
    let bytes_of = |from: &str, to: &[u8]| {
        let line = plain_delete();
        let at = line.find(from).unwrap();
        [&line.as_bytes()[..at], to, &line.as_bytes()[at + from.len()..]].concat()
    };
    let agent = read_line(&bytes_of("aws-cli", b"\xe9\xff"), &LogPath::default());
    let agent = agent.unwrap().unwrap();
    assert_eq!((agent.role, agent.key.as_deref()), (RemovalRole::Claim, Some("cats/a.jpg")));
    assert_eq!(reason(bytes_of("cats/a.jpg", b"cats/\xe9.jpg")), "invalid_utf8");
    assert_eq!(reason(bytes_of("REQUEST", b"\xff")), "invalid_utf8");
    let other = bytes_of("REST.DELETE.OBJECT cats", b"REST.GET.OBJECT \xff");
    assert_eq!(read_line(&other, &LogPath::default()), Ok(None));
}

proptest! {
    #[test]
    fn no_user_agent_and_no_referer_changes_what_a_line_says(
        pieces in prop::collection::vec(prop::sample::select(&[
            "\"", "\" ", " \"", "\" \"", "-", " - ", " ", "204", "403 AccessDenied", "- - 1 1",
            "HTTP/1.1", "FORGED", "H= SigV4 C AuthHeader h TLSv1.2", "- - us-east-1", "x",
            "DELETE /images/b.jpg", "REST.DELETE.OBJECT b.jpg",
        ][..]), 0..16),
        is_referer in any::<bool>(),
        version in prop::sample::select(&["-", "V1"][..]),
        answer in prop::sample::select(&["204 - - - 40 39", "403 AccessDenied 9 - 4 -"][..]),
    ) {
        let forgery = pieces.concat();
        let callers = if is_referer {
            format!("\"{forgery}\" \"x\"")
        } else {
            format!("\"-\" \"{forgery}\"")
        };
        let honest = evidence(&delete(REQUEST, answer, r#""-" "x""#, version));
        let mut read = evidence(&delete(REQUEST, answer, &callers, version));
        read.id.clone_from(&honest.id);
        let agent = &mut Arc::make_mut(&mut read.actor).user_agent;
        agent.clone_from(&honest.actor.user_agent);
        prop_assert_eq!(read, honest);
    }

    #[test]
    fn no_line_panics(
        pieces in prop::collection::vec(prop_oneof![
            prop::sample::select(&[
                " ", "\"", "-", "[", "]", "\" ", " [23/Nov/2026:12:00:00 +0000] ",
                " 204 - - - 1 1 ",
                " REST.DELETE.OBJECT ", " BATCH.DELETE.OBJECT k ", "\"DELETE /k HTTP/1.1\"", "\n",
                " - - ", "%", "%2", "H= SigV4 C AuthHeader h TLSv1.2",
            ][..]).prop_map(|piece| piece.as_bytes().to_vec()),
            prop::collection::vec(any::<u8>(), 0..4),
        ], 0..24),
        is_delete in any::<bool>(),
    ) {
        let head = if is_delete { line("REST.DELETE.OBJECT ") } else { String::new() };
        let text = [head.into_bytes(), pieces.concat()].concat();
        if let Ok(Some(evidence)) = read_line(&text, &LogPath::default()) {
            prop_assert!(is_delete || text.windows(6).any(|bytes| bytes == b"DELETE"));
            prop_assert_eq!(evidence.source, Source::AccessLog);
        }
    }
}
