//! What may be asked, by path and method: what each takes and answers. It composes nothing.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::Value;

use super::super::super::told::{
    DeletionList, ExpectationList, FindingList, ToldExpectation, ToldRequest, ToldSources,
    ToldSummary, WhoDeleted, WholeFinding,
};
use super::super::{deletions, findings, intents, overview};
use super::{bodies, parameters};

/// One thing that may be asked.
pub(super) struct Operation {
    /// What it is called in the document.
    pub(super) name: &'static str,
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    pub(super) summary: &'static str,
    /// The names of the parameters of its query.
    pub(super) parameters: &'static [&'static str],
    /// Of a list: how many there are unless one says so, and at most.
    pub(super) limits: (usize, usize),
    /// Of a path with an id: what that is.
    pub(super) id_parameter: fn() -> Value,
    /// The types of its body.
    pub(super) body: Option<fn() -> Value>,
    /// What it answers when all is well, by status.
    pub(super) answers: &'static [(&'static str, Answer)],
    /// The statuses of its problems besides [`ALWAYS`].
    pub(super) problems: &'static [&'static str],
}

/// The statuses of problems that anything may answer: what is not understood; who is let in, how
/// often and with how much; and a store that does not answer.
pub(super) const ALWAYS: &[&str] = &["400", "401", "403", "414", "429", "431", "500", "503"];

/// An answer when all is well.
pub(super) struct Answer {
    pub(super) description: &'static str,
    pub(super) schema: fn(&mut SchemaGenerator) -> Schema,
    /// Whether it is there as CSV, too.
    pub(super) has_csv: bool,
}

impl Answer {
    const fn json(description: &'static str, schema: fn(&mut SchemaGenerator) -> Schema) -> Self {
        Self { description, schema, has_csv: false }
    }

    const fn rows(description: &'static str, schema: fn(&mut SchemaGenerator) -> Schema) -> Self {
        Self { description, schema, has_csv: true }
    }
}

fn schema_of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

const fn get(
    name: &'static str,
    path: &'static str,
    summary: &'static str,
    answers: &'static [(&'static str, Answer)],
) -> Operation {
    Operation {
        name,
        method: "get",
        path,
        summary,
        parameters: &[],
        limits: (0, 0),
        id_parameter: parameters::no_id,
        body: None,
        answers,
        problems: &[],
    }
}

/// Everything that may be asked.
pub(super) const OPERATIONS: [Operation; 11] = [
    Operation {
        parameters: &deletions::LIST,
        limits: (deletions::LIMIT, deletions::LIMIT_MAX),
        problems: &["406"],
        ..get(
            "listDeletions",
            "/api/v1/deletions",
            "What was removed, newest first",
            &[("200", Answer::rows("The removals that fit", schema_of::<DeletionList<'_>>))],
        )
    },
    Operation {
        parameters: &deletions::WHO_DELETED,
        problems: &["406"],
        ..get(
            "whoDeleted",
            "/api/v1/who-deleted",
            "Who removed a key, or why that is not known",
            &[("200", Answer::rows("All that is known of the key", schema_of::<WhoDeleted<'_>>))],
        )
    },
    Operation {
        id_parameter: parameters::request_id,
        problems: &["404", "406"],
        ..get(
            "getRequest",
            "/api/v1/requests/{id}",
            "One request, with all keys that it removed",
            &[("200", Answer::rows("All that is known of it", schema_of::<ToldRequest<'_>>))],
        )
    },
    Operation {
        parameters: &findings::LIST,
        limits: (findings::LIMIT, findings::LIMIT_MAX),
        problems: &["406"],
        ..get(
            "listFindings",
            "/api/v1/findings",
            "What was unusual about removals, newest first",
            &[("200", Answer::rows("The findings that fit", schema_of::<FindingList<'_>>))],
        )
    },
    Operation {
        id_parameter: parameters::finding_id,
        problems: &["404", "406"],
        ..get(
            "getFinding",
            "/api/v1/findings/{id}",
            "One finding, with all that people are told of it",
            &[("200", Answer::rows("The finding", schema_of::<WholeFinding<'_>>))],
        )
    },
    Operation {
        parameters: &overview::SUMMARY,
        ..get(
            "getSummary",
            "/api/v1/summary",
            "What happened in a span of time: how much, who, where, how fast",
            &[("200", Answer::json("The span as a whole", schema_of::<ToldSummary<'_>>))],
        )
    },
    get(
        "getSources",
        "/api/v1/sources",
        "How far each source has come, and what could not be understood",
        &[("200", Answer::json("The sources", schema_of::<ToldSources<'_>>))],
    ),
    get(
        "getOpenApi",
        "/api/v1/openapi.json",
        "This document",
        &[("200", Answer::json("OpenAPI 3.1", |_| schemars::json_schema!({ "type": "object" })))],
    ),
    Operation {
        method: "post",
        body: Some(bodies::intents),
        problems: &["408", "413", "415", "422"],
        ..get(
            "declareIntents",
            "/api/v1/intents",
            "Say which keys will be deleted, before they are",
            &[
                (
                    "201",
                    Answer::json("All are kept, and some were new", schema_of::<intents::Kept>),
                ),
                ("200", Answer::json("All were known already", schema_of::<intents::Kept>)),
            ],
        )
    },
    get(
        "listExpectations",
        "/api/v1/expectations",
        "The deletions that somebody announced",
        &[("200", Answer::json("What is not over for long", schema_of::<ExpectationList<'_>>))],
    ),
    Operation {
        method: "post",
        body: Some(bodies::expectation),
        problems: &["408", "409", "413", "415", "422"],
        ..get(
            "announceExpectation",
            "/api/v1/expectations",
            "Announce deletions, so that they are no finding up to a number",
            &[
                ("201", Answer::json("It is kept", schema_of::<ToldExpectation<'_>>)),
                ("200", Answer::json("It was known already", schema_of::<ToldExpectation<'_>>)),
            ],
        )
    },
];
