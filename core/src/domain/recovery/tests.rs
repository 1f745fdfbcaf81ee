//! What can be got back, and by which commands.

use super::*;
use crate::domain::{Actor, Cause, Moment, SourceSet};

fn removal(kind: Kind, target: Target, marker: Option<&str>) -> Removal {
    Removal {
        identity: "r:A current".into(),
        target,
        kind,
        cause: Cause::Api,
        is_confirmed: true,
        at: Timestamp::from_millis(1_000),
        is_coarse: false,
        sequencer: None,
        notified_at: None,
        request_id: Some("A".into()),
        sources: SourceSet::default(),
        actor: Actor::default().into(),
        marker_version_id: marker.map(str::to_owned),
    }
}

fn write(version: Option<&str>, at: i64) -> Created {
    Created {
        identity: format!("r:{at}"),
        moment: Moment { at: Timestamp::from_millis(at), is_coarse: false, sequencer: None },
        version_id: version.map(str::to_owned),
        sources: SourceSet::default(),
        actor: Actor::default().into(),
    }
}

fn version(id: &str, at: i64) -> KnownVersion {
    KnownVersion { id: id.into(), written_at: Timestamp::from_millis(at) }
}

#[test]
fn the_way_back_depends_on_what_was_taken_away_and_on_what_is_left() {
    let writes = [write(Some("v1"), 10), write(Some("v2"), 20), write(Some("later"), 2_000)];
    let all = Aftermath { written: &writes, ..Aftermath::default() };
    let of = |removal: &Removal, known| Recovery::of(removal, &Said::default(), known);
    let none = Aftermath::default();

    let object = removal(Kind::Object, Target::Current, None);
    assert_eq!(of(&object, none), Recovery::Gone);
    let unversioned = [write(None, 10)];
    assert_eq!(of(&object, Aftermath { written: &unversioned, ..none }), Recovery::Gone);

    let marker = removal(Kind::Marker, Target::Current, Some("m"));
    let hidden = |version| Recovery::RemoveMarker { marker: "m".into(), version };
    assert_eq!(of(&marker, none), hidden(None));
    assert_eq!(of(&marker, all), hidden(Some(version("v2", 20))));
    let undone_at = Some(Timestamp::from_millis(3_000));
    let undone = of(&marker, Aftermath { undone_at, ..all });
    assert_eq!(undone, Recovery::Undone(Timestamp::from_millis(3_000)));
    assert_eq!(of(&removal(Kind::Marker, Target::Current, None), all), Recovery::FindMarker);

    let second = removal(Kind::Version, Target::Version("v2".into()), None);
    assert_eq!(of(&second, none), Recovery::FindVersion);
    assert_eq!(of(&second, all), Recovery::CopyVersion(version("v1", 10)));
    let removed = ["v1".to_owned()];
    let both = Aftermath { removed_versions: &removed, ..all };
    assert_eq!(of(&second, both), Recovery::FindVersion);
    let undelete = Said { is_undelete: true, ..Said::default() };
    assert_eq!(Recovery::of(&second, &undelete, all), Recovery::IsBack);

    let unknown = removal(Kind::Unknown, Target::Unknown, None);
    assert_eq!(of(&unknown, none), Recovery::AskS3);
    assert_eq!(of(&unknown, none).is_possible(), None);
}

#[test]
fn commands_are_exact() {
    let shown = |recovery: &Recovery, key: &str| {
        let steps = recovery.steps("photos", key);
        let line = |step: &Step| format!("{}: {}\n", step.does, step.command);
        steps.iter().map(line).collect::<Vec<_>>().concat()
    };
    let marker =
        Recovery::RemoveMarker { marker: "3HL4kqtJl_".into(), version: Some(version("v1", 10)) };
    let texts: [String; 7] = [
        shown(&marker, "a/b c.jpg"),
        shown(&Recovery::FindMarker, "it's"),
        shown(&Recovery::CopyVersion(version("v1", 10)), "$(reboot)`x`"),
        shown(&Recovery::CopyVersion(version("v1", 10)), "a?versionId=b"),
        shown(&Recovery::AskS3, "--profile"),
        shown(&Recovery::AskS3, "file:///etc/passwd"),
        shown(&Recovery::AskS3, "x\u{1b}[2J'\n\u{202e}gpj.\u{1f4a9}"),
    ];
    insta::assert_snapshot!(texts.concat(), @r#"
    Remove the delete marker: aws s3api delete-object --bucket photos --key 'a/b c.jpg' --version-id 3HL4kqtJl_
    Or put a copy of the hidden version on top, so that the removal stays in the history of the key: aws s3api copy-object --bucket photos --key 'a/b c.jpg' --copy-source 'photos/a/b c.jpg?versionId=v1'
    Look for the delete marker (IsLatest true) among the versions: aws s3api list-object-versions --bucket photos --prefix 'it'"'"'s'
    Remove it by its id: aws s3api delete-object --bucket photos --key 'it'"'"'s' --version-id ID-OF-THE-MARKER
    Copy the earlier version back: aws s3api copy-object --bucket photos --key '$(reboot)`x`' --copy-source 'photos/$(reboot)`x`?versionId=v1'
    Copy the earlier version back: aws s3api get-object --bucket photos --key 'a?versionId=b' --version-id v1 restored-object
    Then write it back: aws s3api put-object --bucket photos --key 'a?versionId=b' --body restored-object
    Ask S3 which versions and delete markers of the key there are: aws s3api list-object-versions --cli-input-json '{"Bucket":"photos","Prefix":"--profile"}'
    Ask S3 which versions and delete markers of the key there are: aws s3api list-object-versions --cli-input-json '{"Bucket":"photos","Prefix":"file:///etc/passwd"}'
    Ask S3 which versions and delete markers of the key there are: aws s3api list-object-versions --cli-input-json '{"Bucket":"photos","Prefix":"x\u001b[2J\u0027\u000a\u202egpj.💩"}'
    "#);
    for recovery in [Recovery::IsBack, Recovery::Gone] {
        assert!(recovery.steps("b", "k").is_empty());
    }
}
