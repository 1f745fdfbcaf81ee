//! `GET /api/v1/openapi.json`: what the API is, as `OpenAPI` 3.1. Schemas of answers come from the
//! types that are told; paths, parameters and bodies stand here, and tests hold them to the routes.

mod bodies;
mod operations;
mod parameters;

use std::sync::{Arc, OnceLock};

use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::super::problem::Problem;
use super::Shared;
use super::form::json as answer_of;
use super::parameters::Parameters;
use operations::{Answer, OPERATIONS, Operation};

const ABOUT: &str = "Who deleted what from S3 buckets, when, how, and how sure that is. Times are \
    RFC 3339 in UTC, durations are seconds. Errors are problem details (RFC 9457). Lists come a \
    page at a time, newest first: ask for the next page with its `next_cursor`. New members may \
    be added to answers.";

/// Gives the document.
pub(super) async fn document(State(_): State<Arc<Shared>>, uri: Uri) -> Result<Response, Problem> {
    static DOCUMENT: OnceLock<Value> = OnceLock::new();
    Parameters::of(&uri, &[])?.finish(())?;
    Ok(answer_of(DOCUMENT.get_or_init(compose)))
}

/// The document.
pub(super) fn compose() -> Value {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let settings = settings.with(|it| {
        it.definitions_path = "/components/schemas".into();
        it.meta_schema = None;
    });
    let mut generator = settings.into_generator();
    let mut paths: Map<String, Value> = Map::new();
    for operation in &OPERATIONS {
        let path = paths.entry(operation.path).or_insert_with(|| json!({}));
        path[operation.method] = operation_of(operation, &mut generator);
    }
    let problem = generator.subschema_for::<super::super::problem::ToldProblem>();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "deltrail",
            "version": env!("CARGO_PKG_VERSION"),
            "description": ABOUT,
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        // Without a token the listener is on loopback and asks for none.
        "security": [{ "bearer": [] }, {}],
        "paths": paths,
        "components": {
            "schemas": generator.take_definitions(true),
            "responses": { "Problem": {
                "description": "It was not done; `detail` says why and what to do",
                "content": { "application/problem+json": { "schema": problem } },
            } },
            "securitySchemes": { "bearer": {
                "type": "http",
                "scheme": "bearer",
                "description": "The token of the daemon's app-token setting",
            } },
        },
    })
}

fn operation_of(operation: &Operation, generator: &mut SchemaGenerator) -> Value {
    let mut responses = Map::new();
    for (status, answer) in operation.answers {
        responses.insert((*status).to_owned(), response_of(answer, generator));
    }
    for status in operation.problems.iter().chain(operations::ALWAYS) {
        let problem = json!({ "$ref": "#/components/responses/Problem" });
        responses.insert((*status).to_owned(), problem);
    }
    let in_path = operation.path.contains("{id}").then(|| (operation.id_parameter)());
    let in_query = operation.parameters.iter().map(|name| parameters::of(name, operation));
    let mut told = json!({
        "operationId": operation.name,
        "summary": operation.summary,
        "parameters": in_path.into_iter().chain(in_query).collect::<Vec<Value>>(),
        "responses": responses,
    });
    if let Some(body) = operation.body {
        told["requestBody"] = json!({ "required": true, "content": body() });
    }
    told
}

fn response_of(answer: &Answer, generator: &mut SchemaGenerator) -> Value {
    let schema = (answer.schema)(generator);
    let mut response = json!({
        "description": answer.description,
        "content": { "application/json": { "schema": schema } },
    });
    if answer.has_csv {
        response["content"]["text/csv"] = json!({ "schema": { "type": "string" } });
        response["headers"] = json!({ super::form::NEXT_CURSOR.as_str(): {
            "description": "Of CSV: what to ask for the next rows with; not there when there are \
                            none",
            "schema": { "type": "string" },
        } });
    }
    response
}

#[cfg(test)]
mod tests;
