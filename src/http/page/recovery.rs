//! How to get a removed object back, for people: a sentence, and the commands to be copied. What
//! can be got back the core decides.

use deltrail_core::domain::Recovery;
use maud::{Markup, html};

use super::pieces::command;

/// The sentence and the commands.
pub(super) fn way_back(recovery: &Recovery, bucket: &str, key: Option<&str>) -> Markup {
    let Some(key) = key else {
        return html! {
            p { "No source tells which key it was, so nobody can say how to get it back." }
        };
    };
    let steps = recovery.steps(bucket, key);
    html! {
        p { (recovery.sentence()) }
        @for step in &steps {
            p.step { (step.does) ":" }
            (command(&step.command))
        }
        @if !steps.is_empty() {
            p.muted { (needs(recovery)) }
        }
    }
}

/// What else whoever runs the commands has to know.
const fn needs(recovery: &Recovery) -> &'static str {
    match recovery {
        Recovery::RemoveMarker { .. } | Recovery::FindMarker => {
            "It needs s3:DeleteObjectVersion on the object. deltrail never writes to your buckets: \
             run it yourself, with credentials of your own."
        }
        Recovery::CopyVersion(_) => {
            "It needs s3:GetObjectVersion and s3:PutObject, and copies objects of up to 5 GB. \
             deltrail never writes to your buckets: run it yourself, with credentials of your own."
        }
        _ => "It needs s3:ListBucketVersions on the bucket, and changes nothing.",
    }
}
