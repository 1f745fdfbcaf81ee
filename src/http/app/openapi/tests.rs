//! The document against the routes. What is answered is held to the schemas by the integration
//! tests.

use std::collections::BTreeSet;

use super::compose;
use super::operations::OPERATIONS;

const ROUTES: &str = include_str!("../mod.rs");

/// The paths under `/api/` and their methods, as the routes are written.
fn routed() -> BTreeSet<(String, String)> {
    let mut routed = BTreeSet::new();
    for route in ROUTES.split(".route(").skip(1) {
        let path = route.split('"').nth(1).unwrap();
        let methods = route.split('"').nth(2).unwrap();
        let methods = methods.split(".with_state").next().unwrap();
        for method in ["get", "post", "put", "patch", "delete"] {
            if methods.contains(&format!("{method}(")) && path.starts_with("/api/") {
                routed.insert((path.to_owned(), method.to_owned()));
            }
        }
    }
    routed
}

#[test]
fn every_route_is_in_the_document_and_nothing_else_is() {
    let document = compose();
    let mut told = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        let methods = item.as_object().unwrap().keys();
        told.extend(methods.map(|method| (path.clone(), method.clone())));
    }
    assert_eq!(told, routed());
    assert_eq!(told.len(), OPERATIONS.len(), "no operation hides another");
}

#[test]
fn every_parameter_is_described_and_every_reference_leads_somewhere() {
    let document = compose();
    for operation in &OPERATIONS {
        let told = &document["paths"][operation.path][operation.method];
        for parameter in told["parameters"].as_array().unwrap() {
            let described = parameter["description"].as_str();
            assert!(described.is_some_and(|text| !text.is_empty()), "{parameter}");
            assert!(parameter["schema"]["type"].is_string(), "{parameter}");
        }
    }
    let text = document.to_string();
    let references = text.split("\"$ref\":\"#").skip(1).map(|rest| rest.split('"').next().unwrap());
    for reference in references.collect::<BTreeSet<_>>() {
        assert!(document.pointer(reference).is_some(), "{reference}");
    }
}
