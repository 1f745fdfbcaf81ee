//! Answers against the schemas of the document: as much of JSON Schema as these use, and nothing
//! passed over.

use serde_json::Value;

use super::super::openapi;

/// The document that answers are held to.
pub(super) struct Document(Value);

impl Document {
    pub(super) fn of_this_version() -> Self {
        Self(openapi::compose())
    }

    /// Holds an answer to what the document says of this path, method and status.
    pub(super) fn check(&self, (method, path): (&str, &str), status: u16, body: &Value) {
        let place = format!("{method} {path} {status}");
        let response = &self.0["paths"][path][method]["responses"][status.to_string()];
        assert!(response.is_object(), "{place} is not in the document");
        let response = self.resolved(response);
        let content = response["content"].as_object().unwrap();
        let json = content.iter().find(|(name, _)| name.ends_with("json"));
        let schema = &json.unwrap_or_else(|| panic!("{place} has no JSON")).1["schema"];
        if let Err(breach) = self.fits(schema, body, "") {
            panic!("{place}: {breach}\n{body:#}");
        }
    }

    fn resolved<'a>(&'a self, schema: &'a Value) -> &'a Value {
        match schema["$ref"].as_str() {
            Some(reference) => {
                let pointer = reference.strip_prefix('#').unwrap();
                self.0.pointer(pointer).unwrap_or_else(|| panic!("{reference}"))
            }
            None => schema,
        }
    }

    /// What does not fit, and where.
    fn fits(&self, schema: &Value, value: &Value, at: &str) -> Result<(), String> {
        let breach = |what: String| Err(format!("{at}: {value} {what}"));
        let Some(keywords) = schema.as_object() else {
            return if schema == true { Ok(()) } else { breach("is not allowed".to_owned()) };
        };
        for (keyword, rule) in keywords {
            let is_kept = match keyword.as_str() {
                "$ref" => {
                    self.fits(self.resolved(schema), value, at)?;
                    true
                }
                "type" => match rule {
                    Value::Array(types) => types.iter().any(|rule| is_of(rule, value)),
                    one => is_of(one, value),
                },
                "enum" => rule.as_array().unwrap().contains(value),
                "const" => rule == value,
                "format" => has_format(rule.as_str().unwrap(), value),
                "minimum" => value.as_f64().is_none_or(|it| it >= rule.as_f64().unwrap()),
                "maximum" => value.as_f64().is_none_or(|it| it <= rule.as_f64().unwrap()),
                "required" => {
                    let names = rule.as_array().unwrap().iter().map(|it| it.as_str().unwrap());
                    let missing: Vec<&str> = names.filter(|it| value.get(it).is_none()).collect();
                    if !missing.is_empty() && value.is_object() {
                        return breach(format!("lacks {missing:?}"));
                    }
                    true
                }
                "properties" => {
                    self.members_fit(rule, value, at)?;
                    true
                }
                "items" => {
                    for (nth, item) in value.as_array().into_iter().flatten().enumerate() {
                        self.fits(rule, item, &format!("{at}/{nth}"))?;
                    }
                    true
                }
                "anyOf" => {
                    let any = rule.as_array().unwrap().iter();
                    any.clone().any(|rule| self.fits(rule, value, at).is_ok())
                }
                "description" | "title" | "default" | "readOnly" => true,
                other => panic!("{at}: {other} is not looked at; {schema}"),
            };
            if !is_kept {
                return breach(format!("breaks {keyword}: {rule}"));
            }
        }
        Ok(())
    }

    /// Every member is described, and fits.
    fn members_fit(&self, described: &Value, value: &Value, at: &str) -> Result<(), String> {
        for (name, member) in value.as_object().into_iter().flatten() {
            let place = format!("{at}/{name}");
            match described.get(name) {
                Some(schema) => self.fits(schema, member, &place)?,
                None => return Err(format!("{place} is not described")),
            }
        }
        Ok(())
    }
}

fn is_of(type_name: &Value, value: &Value) -> bool {
    match type_name.as_str().unwrap() {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("{other} is no type"),
    }
}

/// Numbers have the range of the types that they come from.
fn has_format(format: &str, value: &Value) -> bool {
    match (format, value) {
        (_, Value::Null) => true,
        ("date-time", _) => {
            let text = value.as_str().unwrap();
            deltrail_core::domain::Timestamp::parse(text).is_ok()
        }
        ("uint16", _) => value.as_u64().is_some_and(|it| u16::try_from(it).is_ok()),
        ("uint64" | "uint", _) => value.is_u64(),
        ("int64", _) => value.is_i64(),
        (other, _) => panic!("{other} is no format that is looked at"),
    }
}

#[test]
fn what_does_not_fit_is_found() {
    let document = Document::of_this_version();
    let problem = serde_json::json!({
        "type": "about:blank", "title": "Bad Request", "status": 400, "detail": "no",
    });
    let check = |change: &dyn Fn(&mut Value)| {
        let mut changed = problem.clone();
        change(&mut changed);
        let document = &document;
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            document.check(("get", "/api/v1/deletions"), 400, &changed);
        }))
    };
    assert!(check(&|_| {}).is_ok());
    assert!(check(&|it| it["status"] = "400".into()).is_err(), "another type");
    assert!(check(&|it| it["status"] = 70_000.into()).is_err(), "out of range");
    assert!(check(&|it| it["more"] = 1.into()).is_err(), "a member that nobody knows");
    assert!(check(&|it| drop(it.as_object_mut().unwrap().remove("detail"))).is_err(), "one less");
}
